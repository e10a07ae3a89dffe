// SPDX-License-Identifier: Apache-2.0
// The identity contexts of one lane, at the Agent. Lifetimes run on the Agent's monotonic clock, so
// a wrong wall clock at either end changes nothing. Owned by the lane; lives on its shard.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "tunnel/identity_context.h"

namespace roadstead::agent {

class GroupRights;

// What the member's own rules refuse whatever the hub says.
struct LocalRules {
  std::vector<std::string> denied_user_prefixes{"system:"};
  std::vector<std::string> denied_group_prefixes{"system:"};

  // Asks the member's RBAC which groups the Agent may act for; nullptr takes all.
  GroupRights* group_rights = nullptr;

  // PermissionDenied when a name is on the list.
  Result<void> check(const tunnel::IdentityContext& context) const;
};

class IdentityTable {
 public:
  struct Identity {
    std::string user;
    std::vector<std::string> groups;
    std::string digest;
  };
  using IdentityPtr = std::shared_ptr<const Identity>;

  explicit IdentityTable(const Clock& clock) : clock_(clock) {}

  // A new number, or the same person again (a renewal). Verified before by verify_context.
  // Unauthenticated when the number was used for somebody else, or was ended.
  // `groups` are those to act with, from the context's; at a renewal they may be others.
  Result<void> admit(const tunnel::IdentityContext& context, std::vector<std::string> groups);
  Result<void> admit(const tunnel::IdentityContext& context) {
    return admit(context, context.groups);
  }

  // Resolves an rs-identity field. Unauthenticated when unknown, expired, or the digest differs.
  Result<IdentityPtr> find(std::string_view field_value, std::uint64_t* id) const;

  // Ends one context now; its streams are ended through their callbacks.
  void revoke(std::uint64_t id);
  // Ends contexts that were not renewed within lifetime and grace.
  void expire();
  std::size_t size() const { return contexts_.size(); }

  // Registers a running stream under its context; `end` is called when the context ends.
  class StreamGuard;
  std::unique_ptr<StreamGuard> attach(std::uint64_t id, UniqueFunction<void()> end);

 private:
  struct Entry {
    IdentityPtr identity;
    MonotonicTime expires;
    std::list<UniqueFunction<void()>> streams;
    bool ended = false;  // kept until its streams have gone
  };
  using Entries = std::map<std::uint64_t, Entry>;
  void end(Entries::iterator it);

  const Clock& clock_;
  Entries contexts_;
  std::uint64_t highest_ended_ = 0;
};

class IdentityTable::StreamGuard {
 public:
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  friend class IdentityTable;
  StreamGuard(IdentityTable& table, std::uint64_t id,
              std::list<UniqueFunction<void()>>::iterator position)
      : table_(table), id_(id), position_(position) {}
  IdentityTable& table_;
  std::uint64_t id_;
  std::list<UniqueFunction<void()>>::iterator position_;
};

}  // namespace roadstead::agent
