// SPDX-License-Identifier: Apache-2.0
#include "agent/identity_table.h"

#include <algorithm>
#include <charconv>

#include "crypto/digest.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {
namespace {

Error unknown() {
  return Error(ErrorKind::Unauthenticated, "the identity context is unknown or has expired");
}

bool has_prefix(std::string_view name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [name](const std::string& p) { return name.starts_with(p); });
}

}  // namespace

Result<void> LocalRules::check(const tunnel::IdentityContext& context) const {
  if (has_prefix(context.user, denied_user_prefixes)) {
    return Error(ErrorKind::PermissionDenied,
                 "this cluster's Agent does not act as user \"" + context.user + "\"");
  }
  for (const std::string& group : context.groups) {
    if (has_prefix(group, denied_group_prefixes)) {
      return Error(ErrorKind::PermissionDenied,
                   "this cluster's Agent does not act for group \"" + group + "\"");
    }
  }
  return {};
}

Result<void> IdentityTable::admit(const tunnel::IdentityContext& context,
                                  std::vector<std::string> groups) {
  const MonotonicTime expires =
      clock_.now() + std::chrono::seconds(context.lifetime_seconds) + tunnel::kContextGrace;
  const auto it = contexts_.find(context.id);
  if (it != contexts_.end()) {
    if (it->second.ended || it->second.identity->digest != context.digest()) {
      return Error(ErrorKind::Unauthenticated, "the number belongs to another identity");
    }
    it->second.expires = expires;
    if (it->second.identity->groups != groups) {
      auto changed = std::make_shared<Identity>(*it->second.identity);
      changed->groups = std::move(groups);
      it->second.identity = std::move(changed);  // requests that run keep theirs
    }
    return {};
  }
  if (context.id <= highest_ended_) {
    return Error(ErrorKind::Unauthenticated, "the number was used before");
  }
  if (contexts_.size() >= tunnel::kMaxContexts) {
    return Error(ErrorKind::TooManyRequests, "the lane has 4096 identities already");
  }
  auto identity = std::make_shared<Identity>();
  identity->user = context.user;
  identity->groups = std::move(groups);
  identity->digest = context.digest();
  contexts_.emplace(context.id, Entry{std::move(identity), expires, {}, false});
  return {};
}

Result<IdentityTable::IdentityPtr> IdentityTable::find(std::string_view field_value,
                                                       std::uint64_t* id) const {
  if (field_value.size() != 33 || field_value[16] != '.') {
    return unknown();
  }
  const char* end = field_value.data() + 16;
  const auto parsed = std::from_chars(field_value.data(), end, *id, 16);
  const auto it = contexts_.find(*id);
  if (parsed.ec != std::errc() || parsed.ptr != end || it == contexts_.end() || it->second.ended ||
      clock_.now() >= it->second.expires ||
      !crypto::constant_time_equal(it->second.identity->digest, field_value.substr(17))) {
    return unknown();
  }
  return it->second.identity;
}

void IdentityTable::end(Entries::iterator it) {
  Entry& entry = it->second;
  highest_ended_ = std::max(highest_ended_, it->first);
  entry.ended = true;
  // The callbacks only ask for a reset, so the list does not change under the loop.
  for (const auto& end_stream : entry.streams) {
    end_stream();
  }
  if (entry.streams.empty()) {
    contexts_.erase(it);
  }
}

void IdentityTable::revoke(std::uint64_t id) {
  const auto it = contexts_.find(id);
  if (it != contexts_.end() && !it->second.ended) {
    end(it);
  }
}

void IdentityTable::expire() {
  for (auto it = contexts_.begin(); it != contexts_.end();) {
    const auto next = std::next(it);
    if (!it->second.ended && clock_.now() >= it->second.expires) {
      end(it);
    }
    it = next;
  }
}

std::unique_ptr<IdentityTable::StreamGuard> IdentityTable::attach(std::uint64_t id,
                                                                  UniqueFunction<void()> end) {
  Entry& entry = contexts_.at(id);
  entry.streams.push_back(std::move(end));
  return std::unique_ptr<StreamGuard>(new StreamGuard(*this, id, std::prev(entry.streams.end())));
}

IdentityTable::StreamGuard::~StreamGuard() {
  const auto it = table_.contexts_.find(id_);
  if (it != table_.contexts_.end()) {
    it->second.streams.erase(position_);
    if (it->second.streams.empty() && it->second.ended) {
      table_.contexts_.erase(it);
    }
  }
}

}  // namespace roadstead::agent
