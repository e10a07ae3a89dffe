// SPDX-License-Identifier: Apache-2.0
// For which groups the Agent may act, by the member's own RBAC. An API server refuses a request
// whole when one of the impersonated groups is not granted to the Agent; so the others are left
// out, which only takes rights away. Lives on the Agent's shard.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/own_calls.h"
#include "base/clock.h"

namespace roadstead::agent {

class GroupRights {
 public:
  GroupRights(OwnCalls& calls, const Clock& clock) : calls_(calls), clock_(clock) {}

  // The groups that were granted, in order. What cannot be asked just now counts as not granted.
  io::Task<std::vector<std::string>> permitted(std::vector<std::string> groups);

 private:
  struct Answer {
    bool granted;
    MonotonicTime until;
  };
  io::Task<bool> is_granted(std::string group);

  OwnCalls& calls_;
  const Clock& clock_;
  std::map<std::string, Answer> answers_;
};

}  // namespace roadstead::agent
