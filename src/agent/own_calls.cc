// SPDX-License-Identifier: Apache-2.0
#include "agent/own_calls.h"

#include "http/relay.h"
#include "io/sleep.h"
#include "kube/query.h"
#include "kube/status.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr Duration kCallTimeout = std::chrono::seconds(8);
constexpr Duration kConnectTimeout = std::chrono::seconds(5);
constexpr std::size_t kMaxAnswerBytes = 4 << 20;
constexpr std::string_view kWatchSeconds = "290";

http::RequestHead make_head(std::string method, std::string target, const std::string& body) {
  http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers.add("accept", "application/json");
  head.headers.add("user-agent", "roadstead-agent");
  if (!body.empty()) {
    head.headers.add("content-type", "application/json");
    head.headers.add("content-length", std::to_string(body.size()));
  }
  return head;
}

io::Task<Result<std::string>> converse(http::ClientExchange& exchange, const std::string& body,
                                       int* status) {
  if (!body.empty()) {
    CO_TRY_VOID(co_await exchange.write(body));
    CO_TRY_VOID(co_await exchange.finish());
  }
  CO_TRY(const http::ResponseHead response, co_await exchange.response());
  *status = response.status;
  co_return co_await http::read_whole(exchange, kMaxAnswerBytes);
}

Error error_of(int status, std::string_view body) {
  if (status == 401) {
    return Error(ErrorKind::Unauthenticated,
                 "the API server refused the Agent's own credential (401): is its service account "
                 "or token still valid?");
  }
  return kube::make_error(kube::kind_of_http_status(status), kube::parse_status(status, body));
}

}  // namespace

std::string OwnCalls::secret_path() const {
  return "/api/v1/namespaces/" + names_.namespace_ + "/secrets";
}

std::string OwnCalls::lease_path() const {
  return "/apis/coordination.k8s.io/v1/namespaces/" + names_.namespace_ + "/leases/" + names_.lease;
}

io::Task<Result<std::string>> OwnCalls::call(std::string method, std::string target,
                                             std::string body) {
  const Deadline connect = Deadline::after(executor_.clock(), kConnectTimeout);
  http::RequestHead head = make_head(std::move(method), std::move(target), body);
  CO_TRY(const http::ClientExchangePtr exchange,
         co_await link_.open(std::move(head), body.empty(), false, connect));
  const io::DeadlineGuard guard(executor_, Deadline::after(executor_.clock(), kCallTimeout),
                                [&exchange] { exchange->reset(); });
  int status = 0;
  auto answer = co_await converse(*exchange, body, &status);
  if (!answer.ok() && guard.expired()) {
    co_return Error(ErrorKind::DeadlineExceeded, "the API server did not answer within 8 s");
  }
  if (answer.ok() && status == 401) {
    link_.credential_refused();
  }
  if (answer.ok() && (status < 200 || status > 299)) {
    co_return error_of(status, *answer);
  }
  co_return answer;
}

io::Task<Result<json::value>> OwnCalls::call_json(std::string method, std::string target,
                                                  std::string body) {
  CO_TRY(const std::string text,
         co_await call(std::move(method), std::move(target), std::move(body)));
  co_return codec::parse_json(text, {.max_bytes = kMaxAnswerBytes});
}

io::Task<Result<void>> OwnCalls::readyz() {
  CO_TRY_VOID(co_await call("GET", "/readyz", ""));
  co_return Result<void>();
}

io::Task<Result<ServerVersion>> OwnCalls::version() {
  CO_TRY(const json::value v, co_await call_json("GET", "/version", ""));
  co_return ServerVersion{std::string(codec::string_at(v, {"gitVersion"})),
                          std::string(codec::string_at(v, {"platform"}))};
}

io::Task<Result<json::value>> OwnCalls::get_secret() {
  co_return co_await call_json("GET", secret_path() + '/' + names_.secret, "");
}

io::Task<Result<json::value>> OwnCalls::replace_secret(json::value secret) {
  co_return co_await call_json("PUT", secret_path() + '/' + names_.secret,
                               codec::write_json(secret));
}

io::Task<Result<void>> OwnCalls::watch_secret(std::string resource_version) {
  const std::string target = secret_path() + "?watch=true&fieldSelector=metadata.name%3D" +
                             names_.secret +
                             "&resourceVersion=" + kube::percent_encode(resource_version) +
                             "&timeoutSeconds=" + std::string(kWatchSeconds);
  const Deadline connect = Deadline::after(executor_.clock(), kConnectTimeout);
  CO_TRY(const http::ClientExchangePtr exchange,
         co_await link_.open(make_head("GET", target, ""), true, true, connect));
  watch_ = exchange.get();
  auto response = co_await exchange->response();
  Result<std::string> bytes(std::string{});
  if (response.ok()) {
    // Any event is a change; what changed is read with a get.
    bytes = co_await exchange->read();
  }
  watch_ = nullptr;
  CO_TRY(const http::ResponseHead head, std::move(response));
  if (head.status == 401) {
    link_.credential_refused();
  }
  if (head.status != 200 && head.status != 410) {
    co_return error_of(head.status, bytes.ok() ? *bytes : std::string());
  }
  CO_TRY_VOID(std::move(bytes));
  co_return Result<void>();
}

void OwnCalls::stop_watch() {
  if (watch_ != nullptr) {
    watch_->reset();
  }
}

io::Task<Result<json::value>> OwnCalls::get_lease() {
  co_return co_await call_json("GET", lease_path(), "");
}

io::Task<Result<json::value>> OwnCalls::replace_lease(json::value lease) {
  co_return co_await call_json("PUT", lease_path(), codec::write_json(lease));
}

io::Task<Result<bool>> OwnCalls::may_i(AccessQuestion question) {
  json::object attributes{{"verb", question.verb}, {"resource", question.resource}};
  const auto put = [&attributes](std::string_view key, const std::string& value) {
    if (!value.empty()) {
      attributes[key] = value;
    }
  };
  put("group", question.group);
  put("namespace", question.namespace_);
  put("name", question.name);
  const json::object review{{"apiVersion", "authorization.k8s.io/v1"},
                            {"kind", "SelfSubjectAccessReview"},
                            {"spec", {{"resourceAttributes", std::move(attributes)}}}};
  CO_TRY(const json::value answer,
         co_await call_json("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                            codec::write_json(review)));
  co_return codec::bool_at(answer, {"status", "allowed"});
}

io::Task<Result<std::string>> OwnCalls::cluster_uid() {
  CO_TRY(const json::value ns, co_await call_json("GET", "/api/v1/namespaces/kube-system", ""));
  co_return std::string(codec::string_at(ns, {"metadata", "uid"}));
}

}  // namespace roadstead::agent
