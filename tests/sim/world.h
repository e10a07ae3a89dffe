// SPDX-License-Identifier: Apache-2.0
// The simulated world: one Stub, Agents with their lanes, an API server and users' connections, all
// on one thread, a fake clock and in-memory pipes. The protocol code is the product's own.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "agent/forwarder.h"
#include "agent/lane_server.h"
#include "agent/metrics.h"
#include "audit/sink.h"
#include "fake_api_server.h"
#include "http/h1_connection.h"
#include "http/h2_session.h"
#include "identity/directory.h"
#include "io/simulated_loop.h"
#include "kube/rest/rest_transport.h"
#include "stub/stub_shard.h"

namespace roadstead::sim {

struct Answer {
  bool ok = false;  // an answer came and ended properly
  int status = 0;
  std::string body;
  bool retry_after = false;
  std::string error;
};

// The world's time, from where the Agents' identities look at it.
class AgentClock final : public Clock {
 public:
  explicit AgentClock(const Clock& clock) : clock_(clock) {}
  MonotonicTime now() const override { return clock_.now() + ahead_; }
  WallTime wall() const override { return clock_.wall(); }
  void jump(Duration d) { ahead_ += d; }

 private:
  const Clock& clock_;
  Duration ahead_{};
};

class World final : private stub::StubEvents, private audit::AuditSink {
 public:
  explicit World(std::uint64_t seed, stub::StubOptions options = default_options());
  ~World() override;
  static stub::StubOptions default_options();

  // Agents are numbered from 0. A connected Agent has one lane.
  // `registered_ca`: of which API server the hub takes it; every Agent names "ca-of-the-cluster".
  void connect(std::size_t agent, std::string registered_ca = {});
  void kill(std::size_t agent);  // as kill -9: the lane breaks where it is
  // The Agents' identity contexts end now, and the Stub does not know.
  void forget_identities() { agent_clock_.jump(std::chrono::seconds(70)); }
  bool connected(std::size_t agent) const { return agents_.at(agent).session != nullptr; }

  // One request on a connection of its own, as the user `ann`.
  io::Task<Answer> request(std::string method, std::string target, std::string body,
                           Duration patience = std::chrono::seconds(30));

  // What serves a connection of the user `ann`, of either HTTP version.
  std::unique_ptr<http::Handler> user_port();

  // One exchange on a connection of its own, as the user `ann`.
  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end);

  io::SimulatedLoop& loop() { return loop_; }
  FakeClock& clock() { return clock_; }
  Random& random() { return random_; }
  FakeApiServer& api_server() { return api_server_; }
  stub::StubShard& stubs() { return stubs_; }
  io::TaskGroup& tasks() { return tasks_; }
  // Takes ann's credential back.
  void revoke();
  // Closes everything and joins all tasks.
  void end();
  const std::vector<audit::RequestRecord>& records() const { return records_; }
  int refused_lanes() const { return refused_; }

 private:
  struct Agent;
  class UserPort;
  struct Member {
    std::unique_ptr<http::H2Session> session;
    std::unique_ptr<agent::LaneServer> server;
  };

  io::Task<void> run_agent(std::size_t index, http::H2Session* session);
  io::Task<void> serve_user(net::StreamPtr stream);
  void make_people();

  void on_lane_up(const stub::LaneSummary&) override {}
  void on_lane_down(const stub::LaneSummary&) override {}
  void on_lane_refused(const stub::LaneSummary&) override { ++refused_; }
  void on_report(const stub::LaneSummary&, const tunnel::ApiServerReport&) override {}
  void on_message(const stub::LaneSummary&, const codec::json::object&,
                  UniqueFunction<void(codec::json::object)>) override {}
  void write(const audit::RequestRecord& record) override { records_.push_back(record); }

  FakeClock clock_;
  AgentClock agent_clock_{clock_};
  io::SimulatedLoop loop_{clock_};
  SeededRandom random_;
  identity::Directory directory_{clock_};
  identity::PrincipalPtr ann_;
  std::shared_ptr<const agent::PinnedTrust> trust_;
  FakeApiServer api_server_{loop_, random_};
  telemetry::MetricRegistry metrics_;
  agent::AgentMetrics agent_metrics_{metrics_};
  agent::Forwarder forwarder_{api_server_, clock_, agent_metrics_, {}};
  stub::Proxy proxy_;
  stub::StubShard stubs_;
  std::unique_ptr<agent::LaneEvents> events_;
  std::vector<Member> agents_{40};
  std::list<Member> dead_;  // kept until their tasks have ended
  std::list<std::unique_ptr<http::H1Server>> users_;
  std::vector<audit::RequestRecord> records_;
  int refused_ = 0;
  io::TaskGroup tasks_{loop_};
};

// The way of the hub's own controllers into the cluster.
class WorldExchanger final : public kube::Exchanger {
 public:
  explicit WorldExchanger(World& world) : world_(world) {}
  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end, bool,
                                                 Deadline) override {
    return world_.open(std::move(head), end);
  }

 private:
  World& world_;
};

}  // namespace roadstead::sim
