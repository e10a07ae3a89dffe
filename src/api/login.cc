// SPDX-License-Identifier: Apache-2.0
#include "api/login.h"

#include "api/json_answer.h"
#include "base/rfc3339.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "http/relay.h"
#include "io/sleep.h"
#include "kube/object.h"
#include "kube/status.h"
#include "stub/answers.h"

namespace roadstead::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBody = 64 * 1024;
constexpr Duration kSigningTime = std::chrono::seconds(10);

}  // namespace

Login::Login(objects::ObjectApi& api, const objects::Kind& credentials, const HubRules& rules,
             telemetry::Logger logger)
    : api_(api), credentials_(credentials), rules_(rules), logger_(std::move(logger)) {}

io::Task<void> Login::handle(http::ServerExchange& exchange) {
  if (exchange.request().method != "POST") {
    co_await stub::answer_status(exchange, kube::status_of(kube::route_not_found()));
    co_return;
  }
  const auto permit = running_.try_take();
  if (!permit.has_value()) {
    co_await stub::answer_status(
        exchange, {.code = 429, .reason = "TooManyRequests", .message = "too many logins at once"});
    co_return;
  }
  const std::string source = exchange.connection().peer_address;
  auto outcome = Result<json::object>(ErrorKind::Internal, "");
  const auto text = co_await http::read_whole(exchange, kMaxBody);
  auto body = text.ok() ? codec::parse_json(*text, {.max_bytes = kMaxBody, .max_depth = 8})
                        : Result<json::value>(text.error());
  if (body.ok()) {
    outcome = co_await log_in(*body, source);
  } else {
    outcome = std::move(body).error();
  }
  if (!outcome.ok()) {
    logger_.warn("login refused", {{"source", source}, {"why", outcome.error().message()}});
    co_await stub::answer_status(exchange, kube::status_of(outcome.error()));
    co_return;
  }
  co_await answer_json(exchange, *outcome);
}

io::Task<Result<json::object>> Login::log_in(const json::value& body, const std::string& source) {
  const Secret code{std::string(codec::string_at(body, {"code"}))};
  if (!crypto::looks_like_token(code.reveal(), "rsl_")) {
    co_return kube::unauthorized("code: not a login code; it begins with rsl_");
  }
  const std::string csr(codec::string_at(body, {"csr"}));
  auto request = crypto::CertificateSigningRequest::from_pem(csr);
  if (!request.ok()) {
    co_return kube::bad_request("csr: " + request.error().message());
  }
  const std::string key_id = crypto::sha256_hex(request->public_key().der());
  auto uid = co_await rules_.login_codes.redeem(rules_.home, code, key_id);
  if (!uid.ok()) {
    co_return kube::unauthorized(uid.error().message());
  }
  std::string login;
  for (const auto& [name, user] : rules_.directory.snapshot()->users) {
    if (user.uid == *uid && !user.disabled) {
      login = name;
    }
  }
  if (login.empty()) {
    co_return kube::unauthorized("the user of this code does not exist any more or is disabled");
  }
  json::object spec{{"username", login}, {"request", codec::base64_encode(csr)}};
  if (const std::int64_t seconds = codec::int_at(body, {"expirationSeconds"}); seconds != 0) {
    spec["expirationSeconds"] = seconds;
  }
  json::object credential{{"apiVersion", credentials_.api_version()},
                          {"kind", credentials_.kind},
                          {"metadata", {{"generateName", login + "-"}}},
                          {"spec", std::move(spec)}};
  const objects::RequestContext context{
      .username = login, .groups = {}, .is_admin = false, .request_id = "", .source = source};
  CO_TRY(const objects::Written written,
         co_await api_.create(context, credentials_, "", std::move(credential), {}));
  CO_TRY(const json::value signed_one, co_await wait_for_certificate(written.object->key.name));
  CO_TRY(const std::string pem,
         codec::base64_decode(codec::string_at(signed_one, {"status", "certificate"})));
  co_await note_login(login);
  logger_.info("login", {{"user", login},
                         {"source", source},
                         {"serial", codec::string_at(signed_one, {"status", "serial"})}});
  co_return json::object{{"certificate", pem},
                         {"login", login},
                         {"credential", written.object->key.name},
                         {"notAfter", codec::string_at(signed_one, {"status", "notAfter"})},
                         {"roots", rules_.addresses.serving_roots_pem},
                         {"zone", rules_.addresses.zone},
                         {"server", "https://" + rules_.addresses.public_endpoint}};
}

// Best effort: a login does not fail because it could not be noted.
io::Task<void> Login::note_login(std::string login) {
  const objects::Kind& users = *api_.kinds().find_kind("roadstead.io", "User");
  const auto object = co_await api_.get(users, {"", login});
  if (!object.ok()) {
    co_return;
  }
  json::value user = (*object)->parse();
  json::object status{{"lastLogin", format_rfc3339(rules_.clock.wall())}};
  user.as_object()["status"] = std::move(status);
  const objects::RequestContext context = objects::service_context("login");
  const auto written =
      co_await api_.update(context, users, {"", login}, std::move(user), {.subresource = "status"});
  if (!written.ok()) {
    logger_.warn("login not noted", {{"user", login}, {"error", written.error().message()}});
  }
}

io::Task<Result<json::value>> Login::wait_for_certificate(std::string name) {
  objects::KindCache& cache = api_.cache().of(credentials_);
  io::Event changed(rules_.home);
  io::Timer timer(rules_.home);
  bool late = false;
  timer.arm(kSigningTime, [&] {
    late = true;
    changed.pulse();
  });
  cache.listen(changed);
  auto outcome =
      Result<json::value>(ErrorKind::Unavailable, "the certificate was not signed in time");
  while (!late) {
    const objects::ObjectPtr object = cache.find({"", name});
    const json::value value = object != nullptr ? object->parse() : json::value();
    if (!codec::string_at(value, {"status", "certificate"}).empty()) {
      outcome = value;
      break;
    }
    if (const json::object* failed = kube::find_condition(value, "Failed"); failed != nullptr) {
      outcome = kube::bad_request(codec::string_at(json::value(*failed), {"message"}));
      break;
    }
    co_await changed.wait_next();
  }
  cache.unlisten(changed);
  co_return outcome;
}

}  // namespace roadstead::api
