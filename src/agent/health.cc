// SPDX-License-Identifier: Apache-2.0
#include "agent/health.h"

#include "base/rfc3339.h"
#include "codec/json.h"
#include "http/relay.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxConnections = 64;

io::Task<void> answer(http::ServerExchange& exchange, int status, std::string_view type,
                      std::string body) {
  http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", std::string(type));
  head.headers.add("cache-control", "no-store");
  co_await http::send_whole(exchange, std::move(head), body);
}

}  // namespace

bool HealthHandler::ready() const {
  return !supervisor_.shutting_down() && supervisor_.prober().reachable_lately();
}

std::string HealthHandler::state_body() const {
  const tunnel::ApiServerReport report = supervisor_.prober().report();
  const ConnectorStats stats = supervisor_.connector().stats();
  json::object hub{{"connected", supervisor_.connector().connected()},
                   {"lanes", static_cast<std::int64_t>(stats.ready)}};
  if (const auto failure = supervisor_.failure(); failure.has_value()) {
    hub["reason"] = failure->reason;
    hub["message"] = failure->message;
    hub["fix"] = failure->fix;
  }
  json::object api_server{{"reachable", report.reachable},
                          {"version", report.version},
                          {"ageMilliseconds", report.age_milliseconds}};
  if (!report.message.empty()) {
    api_server["message"] = report.message;
  }
  json::object body{{"ready", ready()},
                    {"shuttingDown", supervisor_.shutting_down()},
                    {"cluster", supervisor_.keeper().cluster()},
                    {"apiServer", std::move(api_server)},
                    {"hub", std::move(hub)}};
  if (const auto expiry = supervisor_.keeper().certificate_expiry(); expiry.has_value()) {
    body["certificateNotAfter"] = format_rfc3339(*expiry);
  }
  return codec::write_json_pretty(body) + "\n";
}

io::Task<void> HealthHandler::handle(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  if (request.method != "GET" && request.method != "HEAD") {
    co_await answer(exchange, 405, "text/plain", "only GET is served\n");
  } else if (path == "/healthz") {
    co_await answer(exchange, 200, "text/plain", "ok\n");
  } else if (path == "/readyz") {
    co_await answer(exchange, ready() ? 200 : 503, "application/json", state_body());
  } else if (path == "/metrics") {
    supervisor_.update_metrics();
    co_await answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", registry_.render());
  } else {
    co_await answer(exchange, 404, "text/plain", "there are /healthz, /readyz and /metrics\n");
  }
}

Result<std::unique_ptr<HealthServer>> HealthServer::open(io::Shard& shard,
                                                         const net::HostPort& address,
                                                         http::Handler& handler) {
  auto listener = net::Listener::open(shard, address);
  if (!listener.ok() && address.host == "::") {
    auto ipv4 = net::Listener::open(shard, {"0.0.0.0", address.port});
    if (ipv4.ok()) {
      listener = std::move(ipv4);
    }
  }
  if (!listener.ok()) {
    return std::move(listener).error().with_context("--health-listen");
  }
  return std::unique_ptr<HealthServer>(new HealthServer(shard, std::move(*listener), handler));
}

HealthServer::~HealthServer() = default;

io::Task<void> HealthServer::run() {
  io::TaskGroup group(shard_);
  for (;;) {
    auto socket = co_await listener_->accept();
    if (!socket.ok()) {
      break;
    }
    if (connections_.size() >= kMaxConnections) {
      continue;  // dropped: probes are few
    }
    http::H1Limits limits;
    limits.max_head_bytes = 16 * 1024;
    limits.idle_timeout = std::chrono::seconds(30);
    connections_.push_back(
        http::H1Server::create(net::make_tcp_stream(shard_, std::move(*socket)), limits, handler_));
    group.spawn(serve(std::prev(connections_.end())));
  }
  for (const auto& connection : connections_) {
    connection->close();
  }
  co_await group.join();
}

io::Task<void> HealthServer::serve(
    std::list<std::unique_ptr<http::H1Server>>::iterator connection) {
  co_await (*connection)->run();
  connections_.erase(connection);
}

void HealthServer::close() { listener_->close(); }

}  // namespace roadstead::agent
