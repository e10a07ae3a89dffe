// SPDX-License-Identifier: Apache-2.0
#include "agent/group_rights.h"

namespace roadstead::agent {
namespace {

// Shorter than an identity context is renewed, so that a change of RBAC counts with the next one.
constexpr Duration kRemembered = std::chrono::seconds(20);
constexpr std::size_t kMaxAnswers = 4096;

}  // namespace

io::Task<bool> GroupRights::is_granted(std::string group) {
  const auto known = answers_.find(group);
  if (known != answers_.end() && clock_.now() < known->second.until) {
    co_return known->second.granted;
  }
  const auto granted = co_await calls_.may_i({"impersonate", "", "groups", "", group});
  if (!granted.ok()) {
    co_return false;
  }
  if (answers_.size() >= kMaxAnswers) {
    answers_.clear();
  }
  answers_.insert_or_assign(std::move(group), Answer{*granted, clock_.now() + kRemembered});
  co_return *granted;
}

io::Task<std::vector<std::string>> GroupRights::permitted(std::vector<std::string> groups) {
  std::vector<std::string> out;
  for (std::string& group : groups) {
    if (co_await is_granted(group)) {
      out.push_back(std::move(group));
    }
  }
  co_return out;
}

}  // namespace roadstead::agent
