// SPDX-License-Identifier: Apache-2.0
#include "api/user_handler.h"

#include "api/authentication.h"
#include "api/bridge.h"
#include "kube/status.h"
#include "stub/answers.h"

namespace roadstead::api {
namespace {

io::Task<void> serve_bridged(http::ServerExchange& exchange, stub::TunnelPlace place,
                             std::string cluster, identity::PrincipalPtr principal,
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

// Not a coroutine: its place would be kept for as long as a watch lasts.
io::Task<void> UserHandler::handle(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  net::TlsSession* tls = exchange.connection().tls;
  Route route = route_request(tls != nullptr ? tls->server_name() : std::string(),
                              request.authority, request.target, port_.zone);
  switch (route.kind) {
    case Route::Kind::Cluster:
      return serve_cluster(exchange, std::move(route));
    case Route::Kind::Hub:
      if (hub_ != nullptr) {
        return hub_->handle(exchange);
      }
      [[fallthrough]];
    case Route::Kind::Misdirected:
      return refuse(exchange, std::move(route),
                    {"", "misdirected",
                     kube::make_error(ErrorKind::InvalidArgument,
                                      {.code = 421,
                                       .reason = "MisdirectedRequest",
                                       .message = "this connection was made for another host"})});
    case Route::Kind::NotFound:
      break;
  }
  return refuse(exchange, std::move(route), {"", "route", kube::route_not_found()});
}

// Who asks, when the request may pass.
std::variant<identity::PrincipalPtr, UserHandler::Refusal> UserHandler::admit(
    http::ServerExchange& exchange, const std::string& cluster) const {
  auto principal = authenticate(exchange.connection(), port_.directory);
  if (!principal.ok()) {
    return Refusal{"", "authentication", kube::unauthorized(principal.error().message())};
  }
  const std::string& login = (*principal)->subject.name;
  const policy::Decision decision =
      port_.authorizer.decide({.principal = principal->get(), .verb = "use", .cluster = cluster});
  if (!decision.allowed()) {
    return Refusal{login, decision.rule,
                   kube::forbidden({"roadstead.io", "clusters"}, cluster, decision.reason)};
  }
  const auto entry = port_.clusters.find(cluster);
  if (!entry.has_value()) {
    return Refusal{login, "registry", no_such_cluster(cluster)};
  }
  if (entry->paused) {
    return Refusal{login, "paused",
                   kube::make_error(ErrorKind::Unavailable,
                                    {.code = 503,
                                     .reason = "ServiceUnavailable",
                                     .message = "cluster \"" + cluster +
                                                "\" is paused at the hub (spec.paused)"})};
  }
  return std::move(*principal);
}

io::Task<void> UserHandler::serve_cluster(http::ServerExchange& exchange, Route route) {
  auto admitted = admit(exchange, route.cluster);
  if (auto* refusal = std::get_if<Refusal>(&admitted)) {
    return refuse(exchange, std::move(route), std::move(*refusal));
  }
  auto& principal = std::get<identity::PrincipalPtr>(admitted);
  const stub::TunnelPlace place = port_.tunnels.place_of(route.cluster);
  if (place.executor == &exchange.executor()) {
    return place.stubs->serve_request(exchange, std::move(route.cluster), std::move(principal),
                                      std::move(route.target));
  }
  return serve_bridged(exchange, place, std::move(route.cluster), std::move(principal),
                       std::move(route.target));
}

io::Task<void> UserHandler::refuse(http::ServerExchange& exchange, Route route, Refusal refusal) {
  kube::Status status = kube::status_of(refusal.error);
  audit::RequestRecord record;
  record.audit_id = port_.random.uuid_v4();
  record.started = port_.clock.wall();
  record.user = std::move(refusal.user);
  record.source_address = exchange.connection().peer_address;
  record.cluster = route.cluster;
  record.method = exchange.request().method;
  record.path = route.target.substr(0, route.target.find('?'));
  record.status = status.code;
  record.rule = std::move(refusal.rule);
  record.reason = status.message;
  port_.audit.write(record);
  co_await stub::answer_status(exchange, std::move(status));
}

}  // namespace roadstead::api
