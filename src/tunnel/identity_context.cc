// SPDX-License-Identifier: Apache-2.0
#include "tunnel/identity_context.h"

#include <algorithm>
#include <cstdio>

#include "crypto/digest.h"
#include "tunnel/names.h"
#include "tunnel/protocol.h"

namespace roadstead::tunnel {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxGroups = 64;

struct Claims {
  std::string user;
  std::vector<std::string> groups;
};

Result<Claims> claims_of(const crypto::Certificate& leaf) {
  TRY(const Subject subject, subject_of(leaf));
  if (subject.kind == "cluster") {
    return Error(ErrorKind::Unauthenticated, "an Agent's certificate is no user's proof");
  }
  Claims claims;
  claims.user = member_user_name(subject);
  TRY(claims.groups, member_group_names(leaf));
  if (claims.groups.size() > kMaxGroups) {
    return Error(ErrorKind::Unauthenticated, "certificate names more than 64 groups");
  }
  return claims;
}

std::string hex_id(std::uint64_t id) {
  char out[17];
  std::snprintf(out, sizeof(out), "%016llx", static_cast<unsigned long long>(id));
  return out;
}

Error refused(std::string why) { return Error(ErrorKind::Unauthenticated, std::move(why)); }

}  // namespace

json::object IdentityContext::to_json() const {
  json::array names;
  for (const std::string& g : groups) {
    names.emplace_back(g);
  }
  return {{"id", hex_id(id)},
          {"user", user},
          {"groups", std::move(names)},
          {"audience", audience},
          {"binding", binding},
          {"proof", {{"certificates", proof_chain_pem}}},
          {"lifetimeSeconds", lifetime_seconds}};
}

Result<IdentityContext> IdentityContext::from_json(std::string_view text) {
  TRY(const json::value value, codec::parse_json(text, {.max_bytes = 256 * 1024, .max_depth = 8}));
  IdentityContext c;
  const std::string_view id = codec::string_at(value, {"id"});
  if (id.size() != 16 || id.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return Error(ErrorKind::Protocol, "identity context without a number");
  }
  c.id = std::stoull(std::string(id), nullptr, 16);
  c.user = codec::string_at(value, {"user"});
  c.audience = codec::string_at(value, {"audience"});
  c.binding = codec::string_at(value, {"binding"});
  c.proof_chain_pem = codec::string_at(value, {"proof", "certificates"});
  c.lifetime_seconds = codec::int_at(value, {"lifetimeSeconds"});
  const json::value* groups = codec::find(value, {"groups"});
  if (groups != nullptr && groups->is_array()) {
    for (const json::value& g : groups->get_array()) {
      if (!g.is_string() || c.groups.size() >= kMaxGroups) {
        return Error(ErrorKind::Protocol, "identity context with malformed groups");
      }
      c.groups.emplace_back(g.get_string());
    }
  }
  return c;
}

std::string IdentityContext::digest() const {
  std::string text = hex_id(id);
  text.append("\n").append(user).append("\n").append(audience);
  for (const std::string& g : groups) {
    text.append("\n").append(g);
  }
  return crypto::sha256_hex(text).substr(0, 16);
}

std::string IdentityContext::field_value() const { return hex_id(id) + '.' + digest(); }

Result<IdentityContext> make_context(std::uint64_t id,
                                     const std::vector<crypto::Certificate>& user_chain,
                                     std::string_view audience,
                                     const std::array<std::byte, 32>& exporter) {
  if (user_chain.empty()) {
    return refused("no certificate");
  }
  TRY(Claims claims, claims_of(user_chain.front()));
  IdentityContext c;
  c.id = id;
  c.user = std::move(claims.user);
  c.groups = std::move(claims.groups);
  c.audience = audience;
  c.binding = crypto::to_hex(exporter);
  for (const crypto::Certificate& certificate : user_chain) {
    c.proof_chain_pem += certificate.pem();
  }
  c.lifetime_seconds = std::chrono::duration_cast<std::chrono::seconds>(kContextLifetime).count();
  return c;
}

Result<void> verify_context(const IdentityContext& context, const ContextRules& rules,
                            WallTime now) {
  if (context.audience != rules.audience) {
    return refused("identity context is for another cluster");
  }
  if (!crypto::constant_time_equal(context.binding, crypto::to_hex(rules.exporter))) {
    return refused("identity context is bound to another lane");
  }
  // Compared as numbers: as durations, a large one would overflow into a small one.
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::seconds>(kContextLifetime).count();
  if (context.lifetime_seconds < 1 || context.lifetime_seconds > kMost) {
    return refused("identity context lives longer than 60 s");
  }
  auto chain = crypto::Certificate::chain_from_pem(context.proof_chain_pem);
  if (!chain.ok()) {
    return refused("identity proof: " + chain.error().message());
  }
  if (const auto verified =
          crypto::verify_chain(*chain, rules.user_roots, now, crypto::Purpose::ClientAuth);
      !verified.ok()) {
    return refused("identity proof: " + verified.error().message());
  }
  auto claims = claims_of(chain->front());
  if (!claims.ok()) {
    return refused("identity proof: " + claims.error().message());
  }
  // Fewer groups than the certificate's are less right: the person may have left some.
  const bool known = std::all_of(
      context.groups.begin(), context.groups.end(), [&claims](const std::string& group) {
        return std::find(claims->groups.begin(), claims->groups.end(), group) !=
               claims->groups.end();
      });
  if (claims->user != context.user || !known) {
    return refused("identity context does not say what its certificate says");
  }
  return {};
}

}  // namespace roadstead::tunnel
