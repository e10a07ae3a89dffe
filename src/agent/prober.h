// SPDX-License-Identifier: Apache-2.0
// Knows the state of the member's API server by real round trips: `/readyz` and `/version`, every
// 10 s, sooner while it fails. Lives on the Agent's shard.
#pragma once

#include <string>

#include "agent/enrolment.h"
#include "agent/own_calls.h"
#include "io/sleep.h"
#include "telemetry/log.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {

class Prober {
 public:
  Prober(OwnCalls& calls, io::Executor& executor, std::string origin, telemetry::Logger logger)
      : calls_(calls),
        executor_(executor),
        origin_(std::move(origin)),
        logger_(std::move(logger)),
        pause_(executor) {}

  io::Task<void> run();  // until stop()
  void stop() { pause_.stop(); }
  // Called after every probe.
  void on_report(UniqueFunction<void()> callback) { on_report_ = std::move(callback); }

  tunnel::ApiServerReport report() const;
  const std::string& platform() const { return platform_; }
  bool probed() const { return probed_; }
  // A round trip succeeded lately: three probes may fail before this says no.
  bool reachable_lately() const;

 private:
  io::Task<Result<void>> probe();

  OwnCalls& calls_;
  io::Executor& executor_;
  std::string origin_;
  telemetry::Logger logger_;
  io::StoppableSleep pause_;
  UniqueFunction<void()> on_report_;

  bool probed_ = false;
  bool reachable_ = false;
  bool uid_settled_ = false;
  std::string version_;
  std::string platform_;
  std::string cluster_uid_;
  std::string message_ = "not asked yet";
  bool succeeded_ = false;  // ever
  MonotonicTime last_success_{};
  MonotonicTime last_probe_{};
};

}  // namespace roadstead::agent
