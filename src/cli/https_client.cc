// SPDX-License-Identifier: Apache-2.0
#include "cli/https_client.h"

#include "io/sleep.h"
#include "net/tls_stream.h"

namespace roadstead::cli {
namespace {

constexpr Duration kSlow = std::chrono::seconds(2);
constexpr std::string_view kScheme = "https://";

io::Task<void> nap(io::Executor& executor, Duration d) { co_await io::sleep_for(executor, d); }

}  // namespace

void Network::sleep(Duration d) { run(nap(shard_, d)); }

HttpsClient::HttpsClient(Network& network, HttpsTarget target)
    : network_(network),
      target_(std::move(target)),
      authority_(net::format_host_port(target_.address)) {
  http::ClientPoolOptions options;
  options.connect_timeout = std::chrono::seconds(15);
  pool_ = http::ClientPool::create(
      network_.shard(),
      [this](std::vector<std::string> alpn, Deadline deadline) {
        return dial(std::move(alpn), deadline);
      },
      options);
}

HttpsClient::~HttpsClient() { network_.run(pool_->close()); }

io::Task<Result<net::StreamPtr>> HttpsClient::dial(std::vector<std::string> alpn,
                                                   Deadline deadline) {
  net::TlsClientOptions options = target_.tls;
  options.alpn = std::move(alpn);
  CO_TRY(const auto context, net::TlsClientContext::create(std::move(options)));
  CO_TRY(net::Socket socket, co_await net::dial_through(network_.shard(), network_.resolver(),
                                                        target_.proxy, target_.address, deadline));
  co_return co_await net::tls_connect(network_.shard(), std::move(socket), context,
                                      target_.server_name, deadline);
}

io::Task<Result<HttpsResponse>> HttpsClient::exchange(const HttpsRequest& request,
                                                      Deadline deadline) {
  http::RequestHead head;
  head.method = request.method;
  head.authority = authority_;
  head.target = target_.base_path + request.path;
  head.headers.add("accept", request.accept);
  head.headers.add("user-agent", "roadstead");
  if (!request.content_type.empty()) {
    head.headers.add("content-type", request.content_type);
  }
  const bool has_body = !request.body.empty();
  if (has_body || request.method != "GET") {
    head.headers.add("content-length", std::to_string(request.body.size()));
  }
  if (!target_.bearer_token.empty()) {
    head.headers.add("authorization", "Bearer " + std::string(target_.bearer_token.reveal()), true);
  }
  CO_TRY(const http::ClientExchangePtr sent,
         co_await pool_->open(std::move(head), !has_body, http::RequestClass::Short, deadline));
  io::DeadlineGuard guard(network_.shard(), deadline, [&sent] { sent->reset(); });
  if (has_body) {
    CO_TRY_VOID(co_await sent->write(request.body));
    CO_TRY_VOID(co_await sent->finish());
  }
  CO_TRY(http::ResponseHead answer, co_await sent->response());
  HttpsResponse response{answer.status, std::move(answer.headers), {}};
  for (;;) {
    CO_TRY(const std::string piece, co_await sent->read());
    if (piece.empty()) {
      co_return response;
    }
    response.body += piece;
    if (response.body.size() > kMaxBody) {
      co_return Error(ErrorKind::PayloadTooLarge, "the answer has more than 64 MiB");
    }
  }
}

io::Task<void> HttpsClient::perform(HttpsRequest request, Result<HttpsResponse>& out) {
  const Deadline deadline = Deadline::after(network_.shard().clock(), request.timeout);
  io::Timer slow(network_.shard());
  if (network_.on_slow) {
    slow.arm(kSlow, [this] { network_.on_slow(authority_); });
  }
  out = co_await exchange(request, deadline);
  if (!out.ok() && deadline.expired(network_.shard().clock())) {
    out =
        Error(ErrorKind::DeadlineExceeded,
              authority_ + " has not answered " + request.method + ' ' + request.path + " within " +
                  std::to_string(
                      std::chrono::duration_cast<std::chrono::seconds>(request.timeout).count()) +
                  " s");
  }
}

Result<HttpsResponse> HttpsClient::call(HttpsRequest request) {
  Result<HttpsResponse> out = Error(ErrorKind::Internal, "not run");
  network_.run(perform(std::move(request), out));
  return out;
}

Result<HttpsTarget> parse_https_url(std::string_view url) {
  if (!url.starts_with(kScheme)) {
    return Error(ErrorKind::InvalidArgument,
                 '"' + std::string(url) +
                     "\" must begin with https://, since the server is always verified");
  }
  std::string_view rest = url.substr(kScheme.size());
  HttpsTarget target;
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    target.base_path = rest.substr(slash);
    while (target.base_path.ends_with('/')) {
      target.base_path.pop_back();
    }
    rest = rest.substr(0, slash);
  }
  TRY(target.address, net::parse_host_port(rest, "443"));
  target.server_name = target.address.host;
  return target;
}

}  // namespace roadstead::cli
