// SPDX-License-Identifier: Apache-2.0
#include "api/user_handler.h"

#include "api/authentication.h"
#include "api/bridge.h"
#include "kube/status.h"
#include "stub/answers.h"

namespace roadstead::api {
namespace {

ROADSTEAD_OWN_FRAME io::Task<void> serve_bridged(http::ServerExchange& exchange,
                                                 stub::TunnelPlace place, std::string cluster,
                                                 identity::PrincipalPtr principal,
                                                 std::string target) {
  io::Executor& home = exchange.executor();
  BridgedExchange bridged(exchange, *place.executor);
  co_await place.executor->enter();
  co_await place.stubs->serve_request(bridged, std::move(cluster), std::move(principal),
                                      std::move(target));
  co_await home.enter();
  bridged.detach();
}

Error no_such_cluster(const std::string& name) {
  return kube::not_found({"roadstead.io", "clusters"}, name);
}

}  // namespace

io::Task<void> UserHandler::handle(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  net::TlsSession* tls = exchange.connection().tls;
  Route route = route_request(tls != nullptr ? tls->server_name() : std::string(),
                              request.authority, request.target, port_.zone);
  switch (route.kind) {
    case Route::Kind::Cluster:
      co_await serve_cluster(exchange, std::move(route));
      co_return;
    case Route::Kind::Hub:
      if (hub_ != nullptr) {
        co_await hub_->handle(exchange);
        co_return;
      }
      [[fallthrough]];
    case Route::Kind::Misdirected:
      co_await refuse(exchange, route, "", "misdirected",
                      kube::make_error(ErrorKind::InvalidArgument,
                                       {.code = 421,
                                        .reason = "MisdirectedRequest",
                                        .message = "this connection was made for another host"}));
      co_return;
    case Route::Kind::NotFound:
      co_await refuse(exchange, route, "", "route", kube::route_not_found());
      co_return;
  }
}

io::Task<void> UserHandler::serve_cluster(http::ServerExchange& exchange, Route route) {
  auto principal = authenticate(exchange.connection(), port_.directory);
  if (!principal.ok()) {
    co_await refuse(exchange, route, "", "authentication",
                    kube::unauthorized(principal.error().message()));
    co_return;
  }
  const std::string& login = (*principal)->subject.name;
  const policy::Decision decision = port_.authorizer.decide(
      {.principal = principal->get(), .verb = "use", .cluster = route.cluster});
  if (!decision.allowed()) {
    co_await refuse(exchange, route, login, decision.rule,
                    kube::forbidden({"roadstead.io", "clusters"}, route.cluster, decision.reason));
    co_return;
  }
  const auto entry = port_.clusters.find(route.cluster);
  if (!entry.has_value()) {
    co_await refuse(exchange, route, login, "registry", no_such_cluster(route.cluster));
    co_return;
  }
  if (entry->paused) {
    co_await refuse(exchange, route, login, "paused",
                    kube::make_error(ErrorKind::Unavailable,
                                     {.code = 503,
                                      .reason = "ServiceUnavailable",
                                      .message = "cluster \"" + route.cluster +
                                                 "\" is paused at the hub (spec.paused)"}));
    co_return;
  }
  const stub::TunnelPlace place = port_.tunnels.place_of(route.cluster);
  if (place.executor == &exchange.executor()) {
    co_await place.stubs->serve_request(exchange, route.cluster, std::move(*principal),
                                        std::move(route.target));
  } else {
    co_await serve_bridged(exchange, place, route.cluster, std::move(*principal),
                           std::move(route.target));
  }
}

io::Task<void> UserHandler::refuse(http::ServerExchange& exchange, const Route& route,
                                   const std::string& user, const std::string& rule,
                                   const Error& error) {
  kube::Status status = kube::status_of(error);
  audit::RequestRecord record;
  record.audit_id = port_.random.uuid_v4();
  record.started = port_.clock.wall();
  record.user = user;
  record.source_address = exchange.connection().peer_address;
  record.cluster = route.cluster;
  record.method = exchange.request().method;
  record.path = route.target.substr(0, route.target.find('?'));
  record.status = status.code;
  record.rule = rule;
  record.reason = status.message;
  port_.audit.write(record);
  co_await stub::answer_status(exchange, std::move(status));
}

}  // namespace roadstead::api
