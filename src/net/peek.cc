// SPDX-License-Identifier: Apache-2.0
#include "net/peek.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "io/fd_watcher.h"
#include "io/sleep.h"
#include "net/address.h"
#include "net/client_hello.h"
#include "net/proxy_protocol.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostHelloBytes = 16 * 1024;
constexpr std::size_t kMostProxyHeaderBytes = 2 * 1024;

// Bytes that were only looked at hide the end of the stream from recv().
bool has_ended(int fd) {
  pollfd query{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return ::poll(&query, 1, 0) == 1 && (query.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// A look at bytes that stay needs a change before the next look is worth while: the socket is
// readable all the time.
io::Task<Result<void>> look_until(io::FdWatcher& watcher, std::size_t limit,
                                  const std::string& what, const Look& look) {
  std::vector<std::byte> buffer(limit);
  std::size_t seen = 0;
  bool ended = false;
  for (;;) {
    const ssize_t n = ::recv(watcher.fd(), buffer.data(), buffer.size(), MSG_PEEK);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && errno != EAGAIN) {
      co_return Error(ErrorKind::Network, what + ": " + errno_text(errno));
    }
    if (n >= 0 && static_cast<std::size_t>(n) > seen) {
      seen = static_cast<std::size_t>(n);
      CO_TRY(const std::optional<std::size_t> take, look(std::span(buffer).first(seen)));
      if (take.has_value()) {
        static_cast<void>(::recv(watcher.fd(), buffer.data(), *take, 0));
        co_return Result<void>();
      }
      if (seen == limit) {
        co_return Error(ErrorKind::Protocol, what + ": too long");
      }
    }
    if (ended) {
      co_return Error(ErrorKind::EndOfStream, what + ": the other side closed the connection");
    }
    // The end may have come together with the bytes, so no event is left that would tell of it. One
    // more look, for what came just before it.
    if (n >= 0 && has_ended(watcher.fd())) {
      ended = true;
      continue;
    }
    watcher.blocked_read();
    CO_TRY_VOID(co_await watcher.readable());
  }
}

}  // namespace

io::Task<Result<void>> peek_until(io::Shard& shard, Socket& socket, std::size_t limit,
                                  std::string what, Deadline deadline, Look look) {
  io::FdWatcher watcher(shard, socket.fd());
  io::DeadlineGuard guard(shard, deadline, [&watcher] { watcher.close(); });
  Result<void> result = co_await look_until(watcher, limit, what, look);
  if (!result.ok() && guard.expired()) {
    co_return Error(ErrorKind::DeadlineExceeded, what + ": nothing complete in time");
  }
  co_return result;
}

io::Task<Result<ClientHello>> peek_client_hello(io::Shard& shard, Socket& socket,
                                                Deadline deadline) {
  ClientHello hello;
  Look look = [&hello](std::span<const std::byte> bytes) -> Result<std::optional<std::size_t>> {
    TRY(const HelloState state, parse_client_hello(bytes, hello));
    return state == HelloState::Complete ? std::optional<std::size_t>(0) : std::nullopt;
  };
  CO_TRY_VOID(co_await peek_until(shard, socket, kMostHelloBytes,
                                  "TLS handshake with " + socket.peer_address(), deadline,
                                  std::move(look)));
  co_return hello;
}

io::Task<Result<void>> take_proxy_header(io::Shard& shard, Socket& socket, Deadline deadline) {
  std::string source;
  Look look = [&source](std::span<const std::byte> bytes) -> Result<std::optional<std::size_t>> {
    TRY(std::optional<ProxyHeader> header, parse_proxy_header(bytes));
    if (!header.has_value()) {
      return std::optional<std::size_t>();
    }
    source = std::move(header->source_address);
    return std::optional(header->length);
  };
  CO_TRY_VOID(co_await peek_until(shard, socket, kMostProxyHeaderBytes,
                                  "PROXY header from " + socket.peer_address(), deadline,
                                  std::move(look)));
  if (!source.empty()) {
    socket.set_peer_address(std::move(source));
  }
  co_return Result<void>();
}

}  // namespace roadstead::net
