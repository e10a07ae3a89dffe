// SPDX-License-Identifier: Apache-2.0
// Who of several acts: a coordination.k8s.io/v1 Lease by client-go's rules
// (k8s.io/client-go/tools/leaderelection). Another's claim ends when its own leaseDurationSeconds
// have passed since this process last saw it change, by this process' monotonic clock: the clocks
// of others do not matter. Given up when it could not be renewed in time, and at stop().
// Lives on one executor.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_function.h"
#include "codec/json.h"
#include "io/sleep.h"
#include "telemetry/log.h"

namespace roadstead::kube {

// The one Lease.
class LeaseAccess {
 public:
  virtual ~LeaseAccess() = default;
  virtual io::Task<Result<codec::json::value>> get() = 0;
  // Fails with Conflict when it has changed since it was read.
  virtual io::Task<Result<codec::json::value>> replace(codec::json::value lease) = 0;
};

struct LeaderOptions {
  std::string identity;
  Duration lease = std::chrono::seconds(15);  // how long a claim holds
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry = std::chrono::seconds(5);
  Duration retry_after_failure = std::chrono::seconds(1);
};

class LeaderElector {
 public:
  // `on_change` is called when held() changes.
  LeaderElector(LeaseAccess& access, io::Executor& executor, LeaderOptions options,
                UniqueFunction<void()> on_change, telemetry::Logger logger);

  bool held() const { return held_; }
  io::Task<void> run();  // until stop(); then the lease is given back
  void stop() { pause_.stop(); }

 private:
  io::Task<bool> try_hold();  // false when the API server did not serve it
  io::Task<void> give_up();
  bool may_take(const codec::json::value& lease);
  void claim(codec::json::value& lease) const;
  void set_held(bool held);

  LeaseAccess& access_;
  io::Executor& executor_;
  LeaderOptions options_;
  UniqueFunction<void()> on_change_;
  telemetry::Logger logger_;
  io::StoppableSleep pause_;
  bool held_ = false;
  MonotonicTime renewed_{};
  std::string observed_;  // the other holder's claim as last seen
  MonotonicTime observed_at_{};
};

}  // namespace roadstead::kube
