// SPDX-License-Identifier: Apache-2.0
// What a principal may do at the hub and in member clusters, as far as the hub decides it: the
// member's own RBAC decides the rest. A Decision carries its reason unchanged into the answer and
// the audit record.
#pragma once

#include <string>
#include <string_view>

#include "identity/principal.h"

namespace roadstead::policy {

struct Attributes {
  const identity::Principal* principal = nullptr;
  std::string_view verb;      // "get", "create", ...; of an upgrade: by its sub-resource
  std::string_view resource;  // hub resource ("clusters"), or "" for a member request
  std::string_view subresource;
  std::string_view name;
  std::string_view owner;    // login that the object belongs to; "" when it has none
  std::string_view cluster;  // set for requests into a member cluster
};

enum class Effect : unsigned char { Allow, Deny };

struct Decision {
  Effect effect = Effect::Deny;
  std::string rule;    // stable name of the rule that decided
  std::string reason;  // one sentence for people

  bool allowed() const { return effect == Effect::Allow; }
};

// Implementations are thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Decision decide(const Attributes& attributes) const = 0;
};

// Administrators may do all. Other users may use member clusters, see the clusters and how to reach
// them, see themselves, and make, see and revoke their own credentials; nothing else at the hub.
class FixedAuthorizer final : public Authorizer {
 public:
  Decision decide(const Attributes& attributes) const override;
};

}  // namespace roadstead::policy
