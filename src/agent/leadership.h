// SPDX-License-Identifier: Apache-2.0
// Which replica enrols and renews. All replicas carry requests; this decides only who writes the
// credentials. Lives on the Agent's shard.
#pragma once

#include <string>

#include "agent/own_calls.h"
#include "io/sleep.h"
#include "telemetry/log.h"

namespace roadstead::agent {

class Leadership {
 public:
  virtual ~Leadership() = default;
  virtual bool held() const = 0;
  virtual io::Task<void> run() = 0;  // until stop()
  virtual void stop() = 0;
  // Called when held() changes.
  void on_change(UniqueFunction<void()> callback) { on_change_ = std::move(callback); }

 protected:
  void changed() const {
    if (on_change_) {
      on_change_();
    }
  }

 private:
  UniqueFunction<void()> on_change_;
};

// An Agent that runs alone.
class SoleLeadership final : public Leadership {
 public:
  bool held() const override { return true; }
  io::Task<void> run() override { co_return; }
  void stop() override {}
};

// A coordination.k8s.io/v1 Lease by client-go's rules: 15 s, renewed every 5 s; another replica's
// claim ends 15 s after this replica last saw it change, by its own monotonic clock. Given up when
// it could not be renewed for 10 s, and at stop().
class LeaseLeadership final : public Leadership {
 public:
  LeaseLeadership(OwnCalls& calls, io::Executor& executor, std::string replica,
                  telemetry::Logger logger)
      : calls_(calls),
        executor_(executor),
        replica_(std::move(replica)),
        logger_(std::move(logger)),
        pause_(executor) {}

  bool held() const override { return held_; }
  io::Task<void> run() override;
  void stop() override { pause_.stop(); }

 private:
  io::Task<bool> try_hold();  // false when the API server did not serve it
  io::Task<void> give_up();
  bool may_take(const codec::json::value& lease);
  void set_held(bool held);

  OwnCalls& calls_;
  io::Executor& executor_;
  std::string replica_;
  telemetry::Logger logger_;
  io::StoppableSleep pause_;
  bool held_ = false;
  MonotonicTime renewed_{};
  std::string observed_;  // the other holder's claim as last seen
  MonotonicTime observed_at_{};
};

}  // namespace roadstead::agent
