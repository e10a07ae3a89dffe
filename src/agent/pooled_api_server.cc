// SPDX-License-Identifier: Apache-2.0
#include "agent/pooled_api_server.h"

#include <algorithm>

#include "agent/files.h"
#include "base/ascii.h"
#include "http/headers.h"
#include "net/tls_stream.h"

namespace roadstead::agent {
namespace {

constexpr Duration kTokenLookEvery = std::chrono::seconds(10);
constexpr std::size_t kMaxTokenBytes = 64 * 1024;

http::ClientPoolOptions pool_options(http::BufferBudget* buffers) {
  http::ClientPoolOptions options;
  options.h2.buffer_budget = buffers;
  // An API server that vanished is noticed by the next PING, not by a user.
  options.h2.ping_after = std::chrono::seconds(10);
  options.h2.ping_timeout = std::chrono::seconds(5);
  return options;
}

struct TokenFile {
  std::string stamp;
  std::string token;  // "" when the stamp is the one already known
};

Result<TokenFile> look_at_token(const std::string& path, const std::string& known_stamp) {
  TokenFile file{file_stamp(path), {}};
  if (file.stamp.empty() || file.stamp != known_stamp) {
    TRY(file.token, read_file(path, kMaxTokenBytes));
    while (!file.token.empty() && (file.token.back() == '\n' || file.token.back() == ' ')) {
      file.token.pop_back();
    }
    if (file.token.empty() || !http::is_field_value(file.token)) {
      return Error(ErrorKind::InvalidArgument, path + " holds no token");
    }
  }
  return file;
}

}  // namespace

Result<std::unique_ptr<PooledApiServer>> PooledApiServer::create(ApiServerAccess access,
                                                                 io::Shard& shard,
                                                                 io::BlockingPool& blocking,
                                                                 telemetry::Logger logger,
                                                                 http::BufferBudget* buffers) {
  std::unique_ptr<PooledApiServer> server(
      new PooledApiServer(std::move(access), shard, blocking, std::move(logger), buffers));
  for (const std::vector<std::string>& alpn :
       {std::vector<std::string>{"h2", "http/1.1"}, std::vector<std::string>{"http/1.1"}}) {
    net::TlsClientOptions options;
    options.roots_pem = server->access_.roots_pem;
    options.identity = server->access_.identity;
    options.alpn = alpn;
    TRY(server->contexts_[alpn],
        net::TlsClientContext::create(std::move(options)).with_context(server->access_.origin));
  }
  return server;
}

PooledApiServer::PooledApiServer(ApiServerAccess access, io::Shard& shard,
                                 io::BlockingPool& blocking, telemetry::Logger logger,
                                 http::BufferBudget* buffers)
    : access_(std::move(access)),
      shard_(shard),
      blocking_(blocking),
      logger_(std::move(logger)),
      authority_(net::format_host_port(access_.address)),
      refreshed_(shard) {
  if (!access_.token.empty()) {
    set_token(access_.token.reveal());
  }
  pool_ = http::ClientPool::create(
      shard,
      [this](std::vector<std::string> alpn, Deadline deadline) {
        return dial(std::move(alpn), deadline);
      },
      pool_options(buffers));
}

void PooledApiServer::set_token(std::string_view token) {
  authorization_.value = "Bearer " + std::string(token);
  // Looked at once instead of with every request.
  authorization_.checked = http::is_field_value(authorization_.value) &&
                           ascii::trim(authorization_.value) == authorization_.value;
}

io::Task<Result<net::StreamPtr>> PooledApiServer::dial(std::vector<std::string> alpn,
                                                       Deadline deadline) {
  const auto context = contexts_.find(alpn);
  if (context == contexts_.end()) {
    co_return Error(ErrorKind::Internal, "no TLS context for these ALPN names");
  }
  auto socket = co_await net::dial(shard_, blocking_, access_.address, deadline);
  if (!socket.ok()) {
    // Not Network, which means "perhaps sent" to who opens an exchange.
    co_return std::move(socket).error().with_kind(ErrorKind::Unavailable);
  }
  auto stream = co_await net::tls_connect(shard_, std::move(*socket), context->second,
                                          access_.server_name, deadline);
  if (!stream.ok() && stream.error().kind() == ErrorKind::Network) {
    co_return std::move(stream).error().with_kind(ErrorKind::Unavailable);
  }
  co_return stream;
}

io::Task<void> PooledApiServer::refresh_token() {
  refreshing_ = true;
  auto file = co_await blocking_.run(shard_, [path = access_.token_file, stamp = token_stamp_] {
    return look_at_token(path, stamp);
  });
  refreshing_ = false;
  token_due_ = shard_.clock().now() + kTokenLookEvery;
  if (!file.ok()) {
    logger_.warn("token not read", {{"error", file.error().message()}});
  } else if (!file->token.empty()) {
    token_stamp_ = file->stamp;
    set_token(file->token);
  }
  refreshed_.pulse();
}

io::Task<Result<void>> PooledApiServer::prepare(http::RequestHead& head) {
  const bool has_file = !access_.token_file.empty();
  if (has_file && !refreshing_ && shard_.clock().now() >= token_due_) {
    co_await refresh_token();
  }
  while (refreshing_ && authorization_.value.empty()) {
    co_await refreshed_.wait();
  }
  if (has_file && authorization_.value.empty()) {
    co_return Error(ErrorKind::Unavailable,
                    "the Agent has no token yet: " + access_.token_file + " cannot be read");
  }
  head.scheme = "https";
  head.authority = authority_;
  if (!access_.base_path.empty()) {
    head.target = access_.base_path + head.target;
  }
  if (!authorization_.value.empty()) {
    head.headers.add(authorization_);
  }
  co_return Result<void>();
}

io::Task<Result<http::ClientExchangePtr>> PooledApiServer::open(http::RequestHead head, bool end,
                                                                bool long_running,
                                                                Deadline deadline) {
  CO_TRY_VOID(co_await prepare(head));
  co_return co_await pool_->open(
      std::move(head), end, long_running ? http::RequestClass::Watch : http::RequestClass::Short,
      deadline);
}

io::Task<Result<http::ClientExchangePtr>> PooledApiServer::open_upgrade(http::RequestHead head,
                                                                        Deadline deadline) {
  CO_TRY_VOID(co_await prepare(head));
  co_return co_await pool_->open_upgrade(std::move(head), deadline);
}

io::Task<void> PooledApiServer::close() { co_await pool_->close(); }

}  // namespace roadstead::agent
