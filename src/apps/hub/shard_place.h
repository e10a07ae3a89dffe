// SPDX-License-Identifier: Apache-2.0
// Everything of the hub that lives on one shard: Stubs, the user port's handler, connections. The
// first shard is the hub's home and runs on main's thread; the others bring their own.
// Made and destroyed on the home thread; the calls below are made from there.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "api/edge.h"
#include "api/user_handler.h"
#include "stub/proxy.h"
#include "stub/stub_shard.h"

namespace roadstead::hub {

class ShardPlace {
 public:
  struct Parts {
    const Clock& clock;
    Random& random;
    audit::AuditSink& audit;
    telemetry::MetricRegistry& metrics;
    const identity::Directory& directory;
    stub::StubEvents& events;
    const api::UserPort& port;
    const api::EdgeOptions& edge_options;
    const api::EdgeContexts& contexts;
    const registry::ClusterDirectory& clusters;
    http::Handler& enrolment;
    telemetry::Logger logger;
    std::string hub_instance;
    http::BufferBudget& buffers;
  };

  // `home` is nullptr for a shard with a thread of its own; `hub` is the hub API's handler on home.
  ShardPlace(io::Shard* home, const Parts& parts, http::Handler* hub);

  io::Shard& shard() { return *shard_; }
  stub::StubShard& stubs() { return *stubs_; }
  api::ShardEdge& edge() { return *edge_; }

  void recheck_principals();
  void remove_cluster(const std::string& name);
  void refuse_lane(const std::string& cluster, std::uint64_t lane);
  void announce(codec::json::object message);
  // See api::ShardEdge.
  void drain_users();
  void drain_lanes();
  const api::ShardEdge& edge() const { return *edge_; }
  io::Task<void> close(io::Executor& home);

 private:
  std::unique_ptr<io::ShardThread> thread_;
  io::Shard* shard_;
  std::unique_ptr<stub::Proxy> proxy_;
  std::unique_ptr<stub::StubShard> stubs_;
  std::unique_ptr<api::UserHandler> users_;
  std::unique_ptr<api::ShardEdge> edge_;
};

}  // namespace roadstead::hub
