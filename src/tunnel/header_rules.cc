// SPDX-License-Identifier: Apache-2.0
#include "tunnel/header_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/ascii.h"
#include "tunnel/protocol.h"

namespace roadstead::tunnel {
namespace {

constexpr std::array<std::string_view, 9> kHopByHop{
    "connection",        "keep-alive", "proxy-authenticate", "proxy-authorization", "te",
    "transfer-encoding", "upgrade",    "proxy-connection",   "http2-settings"};

constexpr std::array<std::string_view, 4> kNeverToMember{"authorization", "cookie", "host",
                                                         "forwarded"};

constexpr std::array<std::string_view, 5> kNeverFromMember{"set-cookie", "service-worker-allowed",
                                                           "clear-site-data", "alt-svc",
                                                           "strict-transport-security"};

// Most fields are of a length that no name of the list has.
template <std::size_t N>
constexpr std::uint64_t lengths(const std::array<std::string_view, N>& names) {
  std::uint64_t bits = 0;
  for (const std::string_view name : names) {
    bits |= std::uint64_t{1} << name.size();
  }
  return bits;
}

template <const auto& kNames>
bool one_of(std::string_view name) {
  constexpr std::uint64_t kLengths = lengths(kNames);
  return name.size() < 64 && (kLengths >> name.size() & 1) != 0 &&
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool ours(std::string_view folded) { return folded.starts_with(kFieldPrefix); }

bool set_by_front_proxies(std::string_view folded) {
  return folded.starts_with("x-remote-") || folded.starts_with("x-forwarded-") ||
         folded == "x-real-ip";
}

std::vector<std::string> connection_names(const http::Headers& headers) {
  std::vector<std::string> names;
  for (const http::Header& h : headers) {
    if (h.name == "connection") {
      for (const std::string_view part : ascii::split(h.value, ',')) {
        names.push_back(fold_name(ascii::to_lower(ascii::trim(part))));
      }
    }
  }
  return names;
}

}  // namespace

std::string fold_name(std::string_view name) {
  std::string folded(name);
  std::replace(folded.begin(), folded.end(), '_', '-');
  return folded;
}

bool is_impersonation_field(std::string_view name) {
  constexpr std::string_view kPrefix = "impersonate";
  if (name.size() < kPrefix.size() || ascii::lower(name.front()) != kPrefix.front()) {
    return false;
  }
  return fold_name(ascii::to_lower(name)).starts_with(kPrefix);
}

std::optional<std::string> find_impersonation(const http::Headers& headers) {
  for (const http::Header& h : headers) {
    if (is_impersonation_field(h.name)) {
      return h.name;
    }
  }
  for (std::string& name : connection_names(headers)) {
    if (is_impersonation_field(name)) {
      return std::move(name);
    }
  }
  return std::nullopt;
}

void strip_request(http::Headers& headers) {
  const std::vector<std::string> named = connection_names(headers);
  headers.remove_if([&named](const http::Header& h) {
    const bool underscore = h.name.find('_') != std::string::npos;
    const std::string folded = underscore ? fold_name(h.name) : std::string();
    const std::string_view name = underscore ? std::string_view(folded) : h.name;
    return one_of<kHopByHop>(name) || one_of<kNeverToMember>(name) || ours(name) ||
           set_by_front_proxies(name) || is_impersonation_field(name) || name == "audit-id" ||
           (!named.empty() && std::find(named.begin(), named.end(), name) != named.end());
  });
}

void strip_response(http::Headers& headers) {
  const std::vector<std::string> named = connection_names(headers);
  headers.remove_if([&named](const http::Header& h) {
    return one_of<kHopByHop>(h.name) || one_of<kNeverFromMember>(h.name) || ours(h.name) ||
           (!named.empty() && std::find(named.begin(), named.end(), h.name) != named.end());
  });
}

Result<void> check_redirect(int status, const http::Headers& headers) {
  if (status < 300 || status > 399) {
    return {};
  }
  for (const http::Header& h : headers) {
    if (h.name != "location") {
      continue;
    }
    const std::string_view target = ascii::trim(h.value);
    const bool path = target.starts_with("/") && !target.starts_with("//") &&
                      target.find('\\') == std::string_view::npos;
    if (!path) {
      return Error(ErrorKind::Upstream,
                   "the member cluster answered with a redirect to another host, which is refused");
    }
  }
  return {};
}

Result<std::string> upgrade_protocol(const http::Headers& headers) {
  std::string found;
  for (const http::Header& h : headers) {
    if (h.name == "upgrade") {
      if (!found.empty()) {
        return Error(ErrorKind::InvalidArgument, "more than one upgrade was asked for");
      }
      found = ascii::to_lower(ascii::trim(h.value));
    }
  }
  if (found != "websocket" && found != "spdy/3.1") {
    return Error(ErrorKind::InvalidArgument,
                 "upgrade to \"" + found.substr(0, 64) +
                     "\" is not served; only websocket and SPDY/3.1 are");
  }
  return found;
}

}  // namespace roadstead::tunnel
