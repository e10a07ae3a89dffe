// SPDX-License-Identifier: Apache-2.0
// The hub's one TCP port. Accepts, reads the ClientHello without consuming it, gives the socket to
// the shard where the named cluster lives, runs TLS there in the trust domain that the name stands
// for, and serves: lanes, enrolment, or users. Built by the wiring; its accept loop lives on the
// first shard, each connection on its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "http/server.h"
#include "io/event.h"
#include "io/quota.h"
#include "io/shard.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "net/client_hello.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "registry/cluster_directory.h"
#include "stub/tunnel_directory.h"
#include "telemetry/log.h"

namespace roadstead::api {

// One for each trust domain; all are separate contexts with their own ticket keys. The home
// replaces them when certificates are renewed; every shard reads them for each new connection.
struct EdgeContexts {
  using Slot = std::atomic<std::shared_ptr<net::TlsServerContext>>;
  Slot users;
  Slot tunnel;
  Slot enrolment;
};

struct EdgeOptions {
  std::string zone;
  bool proxy_protocol = false;
  std::size_t max_connections = 20'000;  // on each shard
  Duration handshake_timeout = std::chrono::seconds(10);
  http::ServerOptions http;
};

// Where the connections of one shard are served.
class ShardEdge {
 public:
  ShardEdge(io::Shard& shard, EdgeOptions const& options, const EdgeContexts& contexts,
            const registry::ClusterDirectory& clusters, stub::StubShard& stubs,
            http::Handler& users, http::Handler& enrolment, telemetry::Logger logger);

  // On the shard. Closes the socket when there are too many.
  void take(net::Socket socket);
  // No new requests on users' connections; those that run may finish, over lanes that stay. Watches
  // end between two objects. Connections that come nevertheless are served their one request.
  void drain_users();
  // Then the lanes.
  void drain_lanes() { stubs_.drain(); }
  io::Task<void> close();
  // From any thread. Lanes and users, and users alone (what has not said yet counts as one).
  std::size_t connections() const { return open_.load(std::memory_order_relaxed); }
  std::size_t user_connections() const { return users_open_.load(std::memory_order_relaxed); }
  io::Shard& shard() { return shard_; }
  stub::StubShard& stubs() { return stubs_; }

 private:
  io::Task<void> serve(net::Socket socket, io::Quota::Permit permit);
  io::Task<void> serve_http(net::StreamPtr stream, http::Handler& handler);
  // Until it is known to be a lane, then as that lane.
  io::Task<std::optional<std::pair<net::StreamPtr, std::string>>> serve_user(net::Socket socket);
  Result<stub::LaneIdentity> identify(net::Stream& stream, const std::string& cluster) const;
  io::Task<void> serve_lane(net::StreamPtr stream, std::string cluster);

  io::Shard& shard_;
  const EdgeOptions& options_;
  const EdgeContexts& contexts_;
  const registry::ClusterDirectory& clusters_;
  stub::StubShard& stubs_;
  http::Handler& users_;
  http::Handler& enrolment_;
  telemetry::Logger logger_;
  io::Quota connections_;
  io::TaskGroup tasks_;
  std::set<http::ServerConnection*> live_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> users_open_{0};
  bool draining_ = false;
  bool closing_ = false;
};

class Edge {
 public:
  // `shards` in the order in which `tunnels` knows them.
  Edge(const EdgeOptions& options, std::vector<ShardEdge*> shards,
       const stub::OneProcessTunnels& tunnels, telemetry::Logger logger);

  // Until the listener is closed. On the first shard.
  io::Task<void> accept_loop(net::Listener& listener);
  io::Task<void> close();

 private:
  io::Task<void> dispatch(net::Socket socket, io::Quota::Permit permit);
  io::Task<void> hand_over(net::Socket socket);

  const EdgeOptions& options_;
  std::vector<ShardEdge*> shards_;
  const stub::OneProcessTunnels& tunnels_;
  telemetry::Logger logger_;
  io::TaskGroup tasks_;
  // Connections that have not shown their ClientHello; beyond it nothing is accepted.
  io::Quota handshakes_{4096};
  io::Event look_ended_;
};

}  // namespace roadstead::api
