// SPDX-License-Identifier: Apache-2.0
// The Stubs of one shard: a Tunnel for each cluster that lives there, the lanes that Agents bring,
// and the requests of users. Built by the wiring, lives on its shard, closed before the shard
// stops.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "http/h2_session.h"
#include "identity/directory.h"
#include "net/stream.h"
#include "stub/proxy.h"
#include "stub/tunnel.h"

namespace roadstead::stub {

// A copy of what is worth knowing of a lane, for other shards.
struct LaneSummary {
  std::uint64_t number = 0;
  LaneIdentity identity;
  tunnel::Hello agent;
};

// What Stubs tell the rest of the hub. Called on the lane's shard; implementations hand over to
// their own.
class StubEvents {
 public:
  virtual ~StubEvents() = default;
  virtual void on_lane_up(const LaneSummary& lane) = 0;
  virtual void on_lane_down(const LaneSummary& lane) = 0;
  // The lane's Agent speaks for another API server than the one that was registered.
  virtual void on_lane_refused(const LaneSummary& lane) { static_cast<void>(lane); }
  virtual void on_report(const LaneSummary& lane, const tunnel::ApiServerReport& report) = 0;
  // Any other message of the Agent; `reply` may be called later from any thread.
  virtual void on_message(const LaneSummary& lane, const codec::json::object& message,
                          UniqueFunction<void(codec::json::object)> reply) = 0;
};

struct StubOptions {
  http::H2Options lane_http;  // PING after 5 s of silence, dead 5 s later
  std::size_t max_lanes_per_cluster = 64;
  FairLimits fair;  // of each cluster
  // For so long requests wait for a lane: Agents dial again within seconds.
  Duration expect_after_start{};
  Duration expect_after_loss{};
  std::string hub_instance;
  std::string software;
};

class StubShard final : private LaneObserver {
 public:
  StubShard(io::Executor& executor, StubOptions options, const identity::Directory& directory,
            Proxy& proxy, StubEvents& events, telemetry::Logger logger);
  ~StubShard() override;

  // Serves an authenticated lane until it ends.
  io::Task<void> serve_lane(net::StreamPtr stream, LaneIdentity identity);

  // Serves a user's request into a registered cluster.
  io::Task<void> serve_request(http::ServerExchange& exchange, std::string cluster,
                               identity::PrincipalPtr principal, std::string target);

  void recheck_principals();
  // Tells the cluster's Agents that it was removed and closes its lanes.
  void remove_cluster(const std::string& name);
  // Refuses a lane whose Agent speaks for another API server.
  void refuse_lane(const std::string& cluster, std::uint64_t lane);
  // To every lane, now and when it comes: what all Agents should know (new CA bundles).
  void announce(codec::json::object message);
  void send(const std::string& cluster, std::uint64_t lane, codec::json::object message);
  // Ends running watches between two objects, while the lanes go on.
  void end_watches();
  // Lanes end when their requests have; none is expected any more.
  void drain();
  // Closes every lane; whoever runs serve_lane() sees it return.
  void close();
  // Clusters that have a lane or a request here, or whose lane is expected.
  std::size_t tunnels() const { return tunnels_.size(); }

 private:
  void on_lane_ready(Lane& lane) override;
  void on_lane_message(Lane& lane, const codec::json::object& message) override;
  class HeldTunnel;
  void refuse(Lane& lane);
  LanePtr find_lane(const std::string& cluster, std::uint64_t number) const;
  static LaneSummary summary_of(const Lane& lane);

  io::Executor& executor_;
  StubOptions options_;
  MonotonicTime started_;
  const identity::Directory& directory_;
  Proxy& proxy_;
  StubEvents& events_;
  telemetry::Logger logger_;
  std::map<std::string, std::unique_ptr<Tunnel>> tunnels_;
  codec::json::object announced_;
  bool closing_ = false;
};

}  // namespace roadstead::stub
