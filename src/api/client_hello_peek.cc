// SPDX-License-Identifier: Apache-2.0
#include "api/client_hello_peek.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "io/fd_watcher.h"
#include "io/sleep.h"
#include "net/proxy_protocol.h"

namespace roadstead::api {
namespace {

constexpr std::size_t kMaxPeek = 16 * 1024;

// What is there now, without consuming it; empty when nothing is.
Result<std::size_t> peek(int fd, std::span<std::byte> into) {
  const ssize_t n = recv(fd, into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n > 0) {
    return static_cast<std::size_t>(n);
  }
  if (n == 0) {
    return Error(ErrorKind::EndOfStream, "closed before TLS began");
  }
  if (errno == EAGAIN || errno == EINTR) {
    return std::size_t{0};
  }
  return Error(ErrorKind::Network, std::strerror(errno));
}

// True when the header was there and has been consumed.
Result<bool> take_proxy_header(net::Socket& socket, std::span<std::byte> seen) {
  TRY(const auto header, net::parse_proxy_header(seen));
  if (!header.has_value()) {
    return false;
  }
  std::array<std::byte, 4096> sink;
  if (header->length > sink.size() ||
      recv(socket.fd(), sink.data(), header->length, MSG_DONTWAIT) !=
          static_cast<ssize_t>(header->length)) {
    return Error(ErrorKind::Protocol, "the PROXY protocol header is too long");
  }
  if (!header->source_address.empty()) {
    socket.set_peer_address(header->source_address);
  }
  return true;
}

}  // namespace

io::Task<Result<net::ClientHello>> peek_client_hello(io::Shard& shard, net::Socket& socket,
                                                     bool proxy_protocol, Deadline deadline) {
  io::FdWatcher watcher(shard, socket.fd());
  const io::DeadlineGuard guard(shard, deadline, [&watcher] { watcher.close(); });
  net::ClientHello hello;
  bool want_proxy_header = proxy_protocol;
  for (;;) {
    {
      // No buffer is held while waiting.
      std::array<std::byte, kMaxPeek> buffer;
      CO_TRY(const std::size_t n, peek(socket.fd(), buffer));
      const auto seen = std::span(buffer).first(n);
      if (n > 0 && want_proxy_header) {
        CO_TRY(const bool taken, take_proxy_header(socket, seen));
        want_proxy_header = !taken;
        if (taken) {
          continue;
        }
      } else if (n > 0) {
        CO_TRY(const net::HelloState state, net::parse_client_hello(seen, hello));
        if (state == net::HelloState::Complete) {
          co_return hello;
        }
      }
    }
    watcher.blocked_read();
    const auto ready = co_await watcher.readable();
    if (!ready.ok()) {
      co_return Error(ErrorKind::DeadlineExceeded, "no ClientHello in time");
    }
  }
}

}  // namespace roadstead::api
