// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/metrics_server.h"

#include "http/relay.h"

namespace roadstead::hub {
namespace {

constexpr std::size_t kMaxConnections = 16;

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(io::Shard& shard,
                                                           const std::string& address,
                                                           telemetry::MetricRegistry& registry) {
  TRY(const net::HostPort wanted, net::parse_host_port(address, "0").with_context("metricsListen"));
  std::unique_ptr<MetricsServer> server(new MetricsServer(shard, registry));
  TRY(server->listener_, net::Listener::open(shard, wanted).with_context("metricsListen"));
  server->address_ = net::format_host_port(server->listener_->local_address());
  return server;
}

io::Task<void> MetricsServer::run() {
  for (;;) {
    auto socket = co_await listener_->accept();
    if (!socket.ok()) {
      break;
    }
    if (live_.size() < kMaxConnections) {
      tasks_.spawn(serve(std::move(*socket)));
    }
  }
  co_await tasks_.join();
}

void MetricsServer::close() {
  listener_->close();
  for (http::H1Server* connection : live_) {
    connection->close();
  }
}

io::Task<void> MetricsServer::serve(net::Socket socket) {
  const auto connection =
      http::H1Server::create(net::make_tcp_stream(shard_, std::move(socket)), {}, *this);
  live_.insert(connection.get());
  co_await connection->run();
  live_.erase(connection.get());
}

io::Task<void> MetricsServer::handle(http::ServerExchange& exchange) {
  const bool known = exchange.request().target == "/metrics";
  const std::string body = known ? registry_.render() : std::string("only /metrics is here\n");
  http::ResponseHead head;
  head.status = known ? 200 : 404;
  head.headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  co_await http::send_whole(exchange, std::move(head), body);
}

}  // namespace roadstead::hub
