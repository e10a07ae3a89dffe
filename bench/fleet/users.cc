// SPDX-License-Identifier: Apache-2.0
#include "users.h"

#include "net/tls_stream.h"
#include "simulated_api_server.h"

namespace roadstead::fleet {
namespace {

constexpr std::size_t kStreamsPerConnection = 200;
constexpr Duration kConnectTimeout = std::chrono::seconds(20);

}  // namespace

Result<std::unique_ptr<Users>> Users::create(io::Shard& shard, io::BlockingPool& resolver,
                                             UserOptions options) {
  net::TlsClientOptions tls;
  tls.roots_pem = options.roots_pem;
  tls.identity = net::TlsIdentity{options.credential_pem, Secret(options.credential_pem)};
  tls.alpn = {"h2"};
  TRY(auto context, net::TlsClientContext::create(std::move(tls)));
  return std::unique_ptr<Users>(new Users(shard, resolver, std::move(options), std::move(context)));
}

Users::Users(io::Shard& shard, io::BlockingPool& resolver, UserOptions options,
             std::shared_ptr<net::TlsClientContext> context)
    : shard_(shard),
      resolver_(resolver),
      options_(std::move(options)),
      context_(std::move(context)),
      tasks_(shard),
      settled_(shard) {}

Users::~Users() = default;

void Users::failed(std::string why) {
  ++failed_;
  sample_ = std::move(why);
  settled_.pulse();
}

io::Task<Result<http::H2Session*>> Users::connect() {
  const Deadline deadline = Deadline::after(shard_.clock(), kConnectTimeout);
  CO_TRY(net::Socket socket, co_await net::dial(shard_, resolver_, options_.hub, deadline));
  CO_TRY(net::StreamPtr stream, co_await net::tls_connect(shard_, std::move(socket), context_,
                                                          options_.hub.host, deadline));
  sessions_.push_back(
      http::H2Session::create(std::move(stream), http::H2Session::Role::Client, {}, nullptr));
  http::H2Session& session = *sessions_.back();
  tasks_.spawn(run_session(session));
  CO_TRY_VOID(co_await session.wait_settings());
  co_return &session;
}

io::Task<void> Users::run_session(http::H2Session& session) {
  static_cast<void>(co_await session.run());
}

io::Task<void> Users::watch(std::vector<std::string> clusters, std::size_t each) {
  http::H2Session* session = nullptr;
  std::size_t on_session = kStreamsPerConnection;
  const std::size_t settled_before = open_ + failed_;
  asked_ = clusters.size() * each;
  for (std::size_t i = 0; i < asked_; ++i) {
    if (on_session == kStreamsPerConnection) {
      auto connected = co_await connect();
      if (!connected.ok()) {
        failed_ += asked_ - i - 1;
        failed(connected.error().message());
        co_return;
      }
      session = *connected;
      on_session = 0;
    }
    ++on_session;
    tasks_.spawn(run_watch(*session, clusters[i % clusters.size()]));
    co_await shard_.yield();
  }
  while (open_ + failed_ < settled_before + asked_) {
    co_await settled_.wait_next();
  }
}

io::Task<void> Users::run_watch(http::H2Session& session, std::string cluster) {
  http::RequestHead head;
  head.method = "GET";
  head.authority = net::format_host_port(options_.hub);
  head.target = "/clusters/" + cluster + "/api/v1/pods?watch=1";
  head.headers.add("accept", "application/json");
  auto exchange = session.open(std::move(head), true);
  if (!exchange.ok()) {
    failed(exchange.error().message());
    co_return;
  }
  const auto response = co_await (*exchange)->response();
  if (!response.ok() || response->status != 200) {
    failed(response.ok() ? "HTTP " + std::to_string(response->status) : response.error().message());
    co_return;
  }
  ++open_;
  settled_.pulse();
  const auto ended = co_await follow(**exchange);
  --open_;
  failed(ended.ok() ? "a watch has ended" : ended.error().message());
}

io::Task<Result<void>> Users::follow(http::ClientExchange& exchange) {
  std::string rest;
  for (;;) {
    CO_TRY(const std::string chunk, co_await exchange.read());
    if (chunk.empty()) {
      co_return Result<void>();
    }
    rest += chunk;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = rest.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      if (const auto sent = time_of_event(std::string_view(rest).substr(begin, end - begin))) {
        const auto delay =
            std::chrono::duration_cast<std::chrono::microseconds>(shard_.clock().wall() - *sent);
        delays_.push_back(static_cast<std::uint32_t>(delay.count()));
      }
    }
    rest = begin == rest.size() ? std::string() : rest.substr(begin);
  }
}

io::Task<void> Users::close() {
  for (const auto& session : sessions_) {
    session->close();
  }
  co_await tasks_.join();
}

}  // namespace roadstead::fleet
