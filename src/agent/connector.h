// SPDX-License-Identifier: Apache-2.0
// Keeps the Agent connected: one primary lane always, more when the hub asks, a new one before an
// old one is left. Lives on the Agent's shard.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "agent/failure.h"
#include "agent/lane.h"
#include "base/random.h"
#include "io/event.h"
#include "io/sleep.h"
#include "io/task_group.h"

namespace roadstead::agent {

// Full jitter (every wait is uniform between nothing and a cap), so that a thousand Agents do not
// come back in step. While nobody listens, which costs a hub nothing, the cap is half of the time
// that it has been so: after a short restart all are back at once. Any other failure doubles the
// cap. It ends at 4 s for ten minutes, then at 30 s.
class RedialPolicy {
 public:
  explicit RedialPolicy(Random& random) : random_(random) {}
  Duration next(Duration since_connected, bool nobody_listens);
  // After a refusal that time alone will not change: between a half and the whole of the last cap.
  Duration late();
  void reset() { attempts_ = 0; }

 private:
  Random& random_;
  unsigned attempts_ = 0;
};

// What the connector tells the rest of the Agent.
class ConnectorEvents {
 public:
  virtual ~ConnectorEvents() = default;
  virtual tunnel::Hello hello(const Lane& lane) = 0;
  virtual tunnel::ApiServerReport report() = 0;
  virtual void on_connected() = 0;
  virtual void on_disconnected(const Error& why) = 0;
  // A message for others than the connector ("certificate", "renew-failed", "bundle", "removed",
  // "refused").
  virtual void on_hub_message(const codec::json::object& message) = 0;
};

struct ConnectorStats {
  std::size_t lanes = 0;
  std::size_t ready = 0;
  std::size_t streams = 0;
  std::uint64_t dials = 0;
  std::uint64_t dial_failures = 0;
};

class Connector final : private LaneObserver {
 public:
  Connector(LaneEnvironment& environment, ConnectorEvents& events, Random& random);
  ~Connector() override;

  io::Task<void> run();  // until stop() or drain(), and all lanes have ended

  // A new identity replaces lanes one by one; nullptr closes them all and dials no more.
  void set_identity(HubIdentityPtr identity);
  // To one ready lane; false when there is none.
  bool send(const codec::json::object& message);
  void broadcast_report();  // to all primary lanes
  // Asks for orderly ends: the hub is told, what runs may go on for `grace`.
  void drain(Duration grace);
  void stop();  // at once

  bool connected() const;
  ConnectorStats stats() const;

 private:
  tunnel::Hello hello(const Lane& lane) override { return events_.hello(lane); }
  tunnel::ApiServerReport report() override { return events_.report(); }
  void on_lane_ready(Lane& lane) override;
  void on_lane_message(Lane& lane, const codec::json::object& message) override;

  Lane* good_primary() const;
  bool is_dialing_primary() const;
  void start_lane(const std::string& purpose);
  io::Task<void> run_lane(std::list<std::unique_ptr<Lane>>::iterator lane);
  io::Task<void> run_ticks();
  void retire_others(const Lane& but);
  void poke() { changed_.pulse(); }

  LaneEnvironment& env_;
  ConnectorEvents& events_;
  RedialPolicy redial_;
  HubIdentityPtr identity_;
  std::shared_ptr<const PinnedTrust> trust_;
  std::list<std::unique_ptr<Lane>> lanes_;
  std::uint64_t next_number_ = 1;
  io::TaskGroup tasks_;
  io::Event changed_;
  io::Timer redial_timer_;
  io::StoppableSleep ticks_;
  std::optional<MonotonicTime> dial_at_;  // not before
  MonotonicTime connected_at_;            // when a primary lane last was good
  bool stopping_ = false;
  bool refused_ = false;  // the hub would not have the lane
  std::optional<MonotonicTime> grace_until_;
  std::uint64_t dials_ = 0;
  std::uint64_t dial_failures_ = 0;
};

}  // namespace roadstead::agent
