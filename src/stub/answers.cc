// SPDX-License-Identifier: Apache-2.0
#include "stub/answers.h"

#include "http/date.h"
#include "http/relay.h"
#include "tunnel/protocol.h"

namespace roadstead::stub {
namespace {

std::string named(std::string_view cluster) { return "cluster \"" + std::string(cluster) + "\""; }

}  // namespace

io::Task<void> answer_status(http::ServerExchange& exchange, kube::Status status) {
  if (exchange.responded()) {
    exchange.reset();
    co_return;
  }
  const std::string body = kube::to_body(status);
  http::ResponseHead head;
  head.status = status.code;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-cache, private");
  head.headers.add("date", http::format_http_date(exchange.executor().clock().wall()));
  if (status.retry_after_seconds > 0) {
    head.headers.add("retry-after", std::to_string(status.retry_after_seconds));
  }
  co_await http::send_whole(exchange, std::move(head), body);
}

kube::Status offline(std::string_view cluster) {
  return {.code = 503,
          .reason = "ServiceUnavailable",
          .message = named(cluster) +
                     " is not connected: no Agent of it has a live connection to this hub. "
                     "See: roadstead cluster get " +
                     std::string(cluster)};
}

kube::Status lanes_busy(std::string_view cluster) {
  return {.code = 503,
          .reason = "ServiceUnavailable",
          .message =
              "all connections of " + named(cluster) + " are at their limit of requests; try again",
          .retry_after_seconds = 1};
}

kube::Status too_many_requests(std::string_view cluster, const Error& why) {
  return {.code = 429,
          .reason = "TooManyRequests",
          .message = named(cluster) + ": " + why.message() + "; try again",
          .retry_after_seconds = 1};
}

kube::Status lost_before_answer(std::string_view cluster, bool write) {
  if (write) {
    return {.code = 504,
            .reason = "Timeout",
            .message = "the connection to " + named(cluster) +
                       " was lost before the answer came: the change may have been made. Look "
                       "before you repeat it"};
  }
  return {.code = 502,
          .reason = "ServiceUnavailable",
          .message = "the connection to " + named(cluster) + " was lost before the answer came"};
}

kube::Status agent_error(std::string_view cluster, std::string_view code, std::string_view words,
                         bool write) {
  const std::string detail = words.empty() ? std::string() : ": " + std::string(words);
  if (code == tunnel::kErrorCredential) {
    return {.code = 502,
            .reason = "ServiceUnavailable",
            .message = "the API server of " + named(cluster) +
                       " refuses its Agent's own credential" + detail};
  }
  if (code == tunnel::kErrorUnreachable) {
    return {.code = 503,
            .reason = "ServiceUnavailable",
            .message = "the Agent of " + named(cluster) + " cannot reach its API server" + detail};
  }
  if (code == tunnel::kErrorRefusedIdentity) {
    return {.code = 403, .reason = "Forbidden", .message = std::string(words)};
  }
  if (code == tunnel::kErrorFailed && write) {
    return {.code = 504,
            .reason = "Timeout",
            .message = "the API server of " + named(cluster) +
                       " failed during the request, which may have been carried out" + detail};
  }
  return {
      .code = 502,
      .reason = "ServiceUnavailable",
      .message = "the Agent of " + named(cluster) + " could not carry out the request" + detail};
}

kube::Status identity_error(std::string_view cluster, const Error& error) {
  if (error.kind() == ErrorKind::PermissionDenied) {
    return {.code = 403, .reason = "Forbidden", .message = error.message()};
  }
  if (error.kind() == ErrorKind::TooManyRequests) {
    return {.code = 503, .reason = "ServiceUnavailable", .message = error.message()};
  }
  return {.code = 502,
          .reason = "ServiceUnavailable",
          .message = "the Agent of " + named(cluster) +
                     " did not accept the proof of who is asking: " + error.message()};
}

}  // namespace roadstead::stub
