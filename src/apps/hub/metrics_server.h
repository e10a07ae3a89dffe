// SPDX-License-Identifier: Apache-2.0
// Prometheus metrics on a local address, plain HTTP: /metrics. Lives on the hub's home.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "http/h1_connection.h"
#include "io/task_group.h"
#include "net/socket.h"
#include "telemetry/metrics.h"

namespace roadstead::hub {

class MetricsServer final : private http::Handler {
 public:
  static Result<std::unique_ptr<MetricsServer>> open(io::Shard& shard, const std::string& address,
                                                     telemetry::MetricRegistry& registry);
  const std::string& address() const { return address_; }
  io::Task<void> run();
  void close();

 private:
  MetricsServer(io::Shard& shard, telemetry::MetricRegistry& registry)
      : shard_(shard), registry_(registry), tasks_(shard) {}
  io::Task<void> handle(http::ServerExchange& exchange) override;
  io::Task<void> serve(net::Socket socket);

  io::Shard& shard_;
  telemetry::MetricRegistry& registry_;
  std::unique_ptr<net::Listener> listener_;
  std::string address_;
  std::set<http::H1Server*> live_;
  io::TaskGroup tasks_;
};

}  // namespace roadstead::hub
