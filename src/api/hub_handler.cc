// SPDX-License-Identifier: Apache-2.0
#include "api/hub_handler.h"

#include "api/authentication.h"
#include "kube/status.h"
#include "stub/answers.h"

namespace roadstead::api {
namespace {

std::string header(const http::RequestHead& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value != nullptr ? *value : std::string();
}

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

io::Task<Result<void>> decide(const policy::Authorizer* authorizer,
                              const objects::RequestContext* context, const kube::RequestInfo* info,
                              std::string owner) {
  identity::Principal principal;
  principal.subject.name = context->username;
  principal.administrator = context->is_admin;
  if (context->username.empty()) {
    co_return Result<void>();  // health, which is for everybody
  }
  const policy::Decision decision =
      authorizer->decide({.principal = &principal,
                          .verb = info->verb,
                          .resource = info->is_resource ? info->resource : std::string_view(),
                          .subresource = info->subresource,
                          .name = info->name,
                          .owner = owner,
                          .cluster = {}});
  if (!decision.allowed()) {
    co_return kube::forbidden({info->group, info->resource}, info->name, decision.reason);
  }
  co_return Result<void>();
}

}  // namespace

objects::Authorize make_authorize(const policy::Authorizer& authorizer, OwnerOf owner_of) {
  return [&authorizer, owner_of = std::move(owner_of)](const objects::RequestContext& context,
                                                       const kube::RequestInfo& info) {
    std::string owner = info.name.empty() ? std::string() : owner_of(info.resource, info.name);
    return decide(&authorizer, &context, &info, std::move(owner));
  };
}

io::Task<void> HubHandler::handle(http::ServerExchange& exchange) {
  const std::string_view target = exchange.request().target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == kLoginPath) {
    co_await login_.handle(exchange);
  } else if (images_ != nullptr && (path == "/v2" || path.starts_with("/v2/"))) {
    co_await images_->handle(exchange);
  } else {
    co_await serve_objects(exchange);
  }
}

io::Task<void> HubHandler::serve_objects(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  const std::string path = request.target.substr(0, request.target.find('?'));
  audit::RequestRecord record;
  record.audit_id = port_.random.uuid_v4();
  record.started = port_.clock.wall();
  record.method = request.method;
  record.path = path;
  record.source_address = exchange.connection().peer_address;
  record.user_agent = header(request, "user-agent");
  const MonotonicTime start = port_.clock.now();
  if (const auto info = kube::parse_request_info(request.method, request.target); info.ok()) {
    record.verb = info->verb;
  }

  objects::RequestContext context;
  context.request_id = record.audit_id;
  context.source = record.source_address;
  auto principal = authenticate(exchange.connection(), port_.directory);
  if (principal.ok()) {
    record.user = context.username = (*principal)->subject.name;
    record.credential_serial = (*principal)->credential_serial;
    context.groups = (*principal)->groups;
    context.is_admin = (*principal)->administrator;
  }
  if (principal.ok() || is_health(path)) {
    record.status = co_await objects_.handle_as(exchange, std::move(context));
  } else {
    const kube::Status status = kube::status_of(kube::unauthorized(principal.error().message()));
    record.status = status.code;
    record.reason = status.message;
    co_await stub::answer_status(exchange, status);
  }
  record.took = port_.clock.now() - start;
  port_.audit.write(record);
}

}  // namespace roadstead::api
