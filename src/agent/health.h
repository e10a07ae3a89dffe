// SPDX-License-Identifier: Apache-2.0
// Health, readiness and metrics over plain HTTP/1.1 on a local port. Readiness means that real
// round trips to the API server succeed; it does not depend on the hub, since an unready Agent
// would hold up node drains while the hub is away. Lives on the Agent's shard.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "agent/supervisor.h"
#include "http/h1_connection.h"
#include "io/task_group.h"
#include "net/socket.h"
#include "telemetry/metrics.h"

namespace roadstead::agent {

class HealthHandler final : public http::Handler {
 public:
  HealthHandler(Supervisor& supervisor, const telemetry::MetricRegistry& registry)
      : supervisor_(supervisor), registry_(registry) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;

 private:
  bool ready() const;
  std::string state_body() const;

  Supervisor& supervisor_;
  const telemetry::MetricRegistry& registry_;
};

class HealthServer {
 public:
  // "[::]:8080" falls back to IPv4 where the kernel has no IPv6.
  static Result<std::unique_ptr<HealthServer>> open(io::Shard& shard, const net::HostPort& address,
                                                    http::Handler& handler);
  ~HealthServer();

  io::Task<void> run();  // until close()
  void close();
  const net::HostPort& address() const { return listener_->local_address(); }

 private:
  HealthServer(io::Shard& shard, std::unique_ptr<net::Listener> listener, http::Handler& handler)
      : shard_(shard), listener_(std::move(listener)), handler_(handler) {}
  io::Task<void> serve(std::list<std::unique_ptr<http::H1Server>>::iterator connection);

  io::Shard& shard_;
  std::unique_ptr<net::Listener> listener_;
  http::Handler& handler_;
  std::list<std::unique_ptr<http::H1Server>> connections_;
};

}  // namespace roadstead::agent
