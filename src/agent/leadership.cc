// SPDX-License-Identifier: Apache-2.0
#include "agent/leadership.h"

#include "base/rfc3339.h"
#include "kube/object.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr Duration kLeaseDuration = std::chrono::seconds(15);
constexpr Duration kRenewDeadline = std::chrono::seconds(10);
constexpr Duration kRetry = std::chrono::seconds(5);
constexpr Duration kRetryAfterFailure = std::chrono::seconds(1);
constexpr std::int64_t kLeaseSeconds = 15;

std::string holder_of(const json::value& lease) {
  return std::string(codec::string_at(lease, {"spec", "holderIdentity"}));
}

}  // namespace

io::Task<void> LeaseLeadership::run() {
  Duration wait = kRetry;
  do {
    wait = co_await try_hold() ? kRetry : kRetryAfterFailure;
  } while (co_await pause_.sleep(wait));
  if (held_) {
    co_await give_up();
  }
}

void LeaseLeadership::set_held(bool held) {
  if (held_ != held) {
    held_ = held;
    logger_.info(held ? "this replica holds the lease" : "this replica lost the lease");
    changed();
  }
}

bool LeaseLeadership::may_take(const json::value& lease) {
  const std::string holder = holder_of(lease);
  if (holder.empty() || holder == replica_) {
    return true;
  }
  const std::string claim =
      holder + ' ' + std::string(codec::string_at(lease, {"spec", "renewTime"}));
  const MonotonicTime now = executor_.clock().now();
  if (claim != observed_) {
    observed_ = claim;
    observed_at_ = now;
  }
  return now - observed_at_ >= kLeaseDuration;
}

io::Task<bool> LeaseLeadership::try_hold() {
  const MonotonicTime now = executor_.clock().now();
  auto lease = co_await calls_.get_lease();
  Result<json::value> stored = Error(ErrorKind::Conflict, "held by another replica");
  if (lease.ok() && !may_take(*lease)) {
    set_held(false);
    co_return true;
  }
  if (lease.ok() && lease->is_object()) {
    const std::string time = format_rfc3339_micro(executor_.clock().wall());
    const bool mine = holder_of(*lease) == replica_;
    json::object& spec = kube::object_at(lease->get_object(), "spec");
    if (!mine) {
      spec["acquireTime"] = time;
      spec["leaseTransitions"] = codec::int_at(*lease, {"spec", "leaseTransitions"}) + 1;
    }
    spec["holderIdentity"] = replica_;
    spec["leaseDurationSeconds"] = kLeaseSeconds;
    spec["renewTime"] = time;
    kube::metadata_of(lease->get_object()).erase("managedFields");
    stored = co_await calls_.replace_lease(std::move(*lease));
  } else if (!lease.ok()) {
    stored = std::move(lease).error();
  }
  if (stored.ok()) {
    renewed_ = now;
    set_held(true);
  } else if (stored.error().kind() == ErrorKind::Conflict ||
             executor_.clock().now() - renewed_ >= kRenewDeadline) {
    set_held(false);
  }
  const bool failed = !stored.ok() && stored.error().kind() != ErrorKind::Conflict;
  if (failed) {
    logger_.warn("lease not renewed", {{"error", stored.error().message()}});
  }
  co_return !failed;
}

io::Task<void> LeaseLeadership::give_up() {
  auto lease = co_await calls_.get_lease();
  if (lease.ok() && lease->is_object() && holder_of(*lease) == replica_) {
    json::object& spec = kube::object_at(lease->get_object(), "spec");
    spec["holderIdentity"] = "";
    spec["leaseDurationSeconds"] = 1;
    kube::metadata_of(lease->get_object()).erase("managedFields");
    static_cast<void>(co_await calls_.replace_lease(std::move(*lease)));
  }
  set_held(false);
}

}  // namespace roadstead::agent
