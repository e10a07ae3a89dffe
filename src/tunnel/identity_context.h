// SPDX-License-Identifier: Apache-2.0
// An identity context: who the requests that carry its number are made for, proved once and not
// with every request. The Stub makes it, the Agent verifies it against the user CA pinned at
// registration. It is bound to one lane by the TLS exporter (RFC 8446 section 7.5), to one cluster
// by its audience, and lives at most 60 s on the Agent's own monotonic clock unless renewed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/certificate.h"

namespace roadstead::tunnel {

inline constexpr std::string_view kExporterLabel = "EXPORTER-roadstead-identity-context";

struct IdentityContext {
  std::uint64_t id = 0;  // never reused on a lane
  // What the member's API server will be told. Derived from the proof, never free text.
  std::string user;
  std::vector<std::string> groups;
  std::string audience;         // uid of the Cluster object
  std::string binding;          // 64 hex digits of the exporter
  std::string proof_chain_pem;  // the user's certificate, leaf first
  std::int64_t lifetime_seconds = 60;

  codec::json::object to_json() const;
  static Result<IdentityContext> from_json(std::string_view text);

  // First 8 bytes of SHA-256 over id, user, groups and audience, in hex. With the number it makes
  // the rs-identity field, so a number can never silently mean somebody else.
  std::string digest() const;
  std::string field_value() const;  // "000000000000002a.0123456789abcdef"
};

// Builds the context for a verified certificate.
Result<IdentityContext> make_context(std::uint64_t id,
                                     const std::vector<crypto::Certificate>& user_chain,
                                     std::string_view audience,
                                     const std::array<std::byte, 32>& exporter);

struct ContextRules {
  std::vector<crypto::Certificate> user_roots;  // pinned at registration, updated over the tunnel
  std::string audience;
  std::array<std::byte, 32> exporter{};
};

// The Agent's check: chain, validity at `now`, audience, binding, lifetime, that the user is the
// certificate's and the groups are among its groups. Error kind Unauthenticated; the message names
// the rule. The local deny list is a separate rule of the Agent.
Result<void> verify_context(const IdentityContext& context, const ContextRules& rules,
                            WallTime now);

}  // namespace roadstead::tunnel
