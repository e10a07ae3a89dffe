// SPDX-License-Identifier: Apache-2.0
#include "policy/authorizer.h"

namespace roadstead::policy {
namespace {

bool reads(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

Decision allow(std::string rule) { return {Effect::Allow, std::move(rule), ""}; }

}  // namespace

Decision FixedAuthorizer::decide(const Attributes& a) const {
  if (a.principal == nullptr) {
    return {Effect::Deny, "authenticated", "nobody is logged in"};
  }
  if (a.principal->administrator) {
    return allow("administrator");
  }
  if (!a.cluster.empty()) {
    return allow("member-cluster-user");
  }
  if (a.resource.empty()) {
    return allow("discovery");
  }
  const bool plain_or_connection = a.subresource.empty() || a.subresource == "connection";
  if (a.resource == "clusters" && plain_or_connection && reads(a.verb)) {
    return allow("clusters-are-visible");
  }
  if (a.resource == "users" && a.subresource.empty() && a.verb == "get" &&
      a.name == a.principal->subject.name) {
    return allow("oneself");
  }
  if (a.resource == "credentials" && a.subresource.empty() && !a.owner.empty() &&
      a.owner == a.principal->subject.name) {
    return allow("own-credential");
  }
  if (a.resource == "credentials" && a.verb == "create") {
    return allow("own-credential");  // admission checks that it is one's own
  }
  return {Effect::Deny, "administrator-only",
          "only an administrator of this hub may " + std::string(a.verb) + " " +
              std::string(a.resource)};
}

}  // namespace roadstead::policy
