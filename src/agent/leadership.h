// SPDX-License-Identifier: Apache-2.0
// Which replica enrols and renews. All replicas carry requests; this decides only who writes the
// credentials. Lives on the Agent's shard.
#pragma once

#include <string>

#include "agent/own_calls.h"
#include "kube/controller/leader_elector.h"

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

// The Lease of the manifest: 15 s, renewed every 5 s (kube/controller/leader_elector.h).
class LeaseLeadership final : public Leadership, private kube::LeaseAccess {
 public:
  LeaseLeadership(OwnCalls& calls, io::Executor& executor, std::string replica,
                  telemetry::Logger logger)
      : calls_(calls),
        elector_(
            *this, executor, {.identity = std::move(replica)}, [this] { changed(); },
            std::move(logger)) {}

  bool held() const override { return elector_.held(); }
  io::Task<void> run() override { return elector_.run(); }
  void stop() override { elector_.stop(); }

 private:
  io::Task<Result<codec::json::value>> get() override { return calls_.get_lease(); }
  io::Task<Result<codec::json::value>> replace(codec::json::value lease) override {
    return calls_.replace_lease(std::move(lease));
  }

  OwnCalls& calls_;
  kube::LeaderElector elector_;
};

}  // namespace roadstead::agent
