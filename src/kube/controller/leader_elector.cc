// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/leader_elector.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "kube/object.h"

namespace roadstead::kube {
namespace {

// What a claim may say of itself; a longer one counts as this.
constexpr std::int64_t kLongestClaim = 3600;

std::string holder_of(const json::value& lease) {
  return std::string(codec::string_at(lease, {"spec", "holderIdentity"}));
}

std::int64_t in_seconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

}  // namespace

LeaderElector::LeaderElector(LeaseAccess& access, io::Executor& executor, LeaderOptions options,
                             UniqueFunction<void()> on_change, telemetry::Logger logger)
    : access_(access),
      executor_(executor),
      options_(std::move(options)),
      on_change_(std::move(on_change)),
      logger_(std::move(logger)),
      pause_(executor) {}

io::Task<void> LeaderElector::run() {
  Duration wait = options_.retry;
  do {
    wait = co_await try_hold() ? options_.retry : options_.retry_after_failure;
  } while (co_await pause_.sleep(wait));
  if (held_) {
    co_await give_up();
  }
}

void LeaderElector::set_held(bool held) {
  if (held_ != held) {
    held_ = held;
    logger_.info(held ? "this replica holds the lease" : "this replica lost the lease");
    if (on_change_) {
      on_change_();
    }
  }
}

bool LeaderElector::may_take(const json::value& lease) {
  const std::string holder = holder_of(lease);
  if (holder.empty() || holder == options_.identity) {
    return true;
  }
  const std::string claim =
      holder + ' ' + std::string(codec::string_at(lease, {"spec", "renewTime"}));
  const MonotonicTime now = executor_.clock().now();
  if (claim != observed_) {
    observed_ = claim;
    observed_at_ = now;
  }
  const std::int64_t claimed =
      codec::int_at(lease, {"spec", "leaseDurationSeconds"}, in_seconds(options_.lease));
  return now - observed_at_ >=
         std::chrono::seconds(std::clamp(claimed, std::int64_t{0}, kLongestClaim));
}

void LeaderElector::claim(json::value& lease) const {
  const std::string time = format_rfc3339_micro(executor_.clock().wall());
  const bool mine = holder_of(lease) == options_.identity;
  json::object& spec = object_at(lease.get_object(), "spec");
  if (!mine) {
    spec["acquireTime"] = time;
    spec["leaseTransitions"] = codec::int_at(lease, {"spec", "leaseTransitions"}) + 1;
  }
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = in_seconds(options_.lease);
  spec["renewTime"] = time;
  metadata_of(lease.get_object()).erase("managedFields");
}

io::Task<bool> LeaderElector::try_hold() {
  const MonotonicTime now = executor_.clock().now();
  auto lease = co_await access_.get();
  Result<json::value> stored = Error(ErrorKind::Conflict, "held by another replica");
  if (lease.ok() && !may_take(*lease)) {
    set_held(false);
    co_return true;
  }
  if (lease.ok() && lease->is_object()) {
    claim(*lease);
    stored = co_await access_.replace(std::move(*lease));
  } else if (!lease.ok()) {
    stored = std::move(lease).error();
  }
  if (stored.ok()) {
    renewed_ = now;
    set_held(true);
  } else if (stored.error().kind() == ErrorKind::Conflict ||
             executor_.clock().now() - renewed_ >= options_.renew_deadline) {
    set_held(false);
  }
  const bool failed = !stored.ok() && stored.error().kind() != ErrorKind::Conflict;
  if (failed) {
    logger_.warn("lease not renewed", {{"error", stored.error().message()}});
  }
  co_return !failed;
}

io::Task<void> LeaderElector::give_up() {
  auto lease = co_await access_.get();
  if (lease.ok() && lease->is_object() && holder_of(*lease) == options_.identity) {
    json::object& spec = object_at(lease->get_object(), "spec");
    spec["holderIdentity"] = "";
    spec["leaseDurationSeconds"] = 1;
    metadata_of(lease->get_object()).erase("managedFields");
    static_cast<void>(co_await access_.replace(std::move(*lease)));
  }
  set_held(false);
}

}  // namespace roadstead::kube
