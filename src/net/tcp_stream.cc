// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "io/fd_watcher.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/unsent_limit.h"

namespace roadstead::net {

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) {
      ::close(fd_);
    }
    fd_ = std::exchange(other.fd_, -1);
    peer_ = std::move(other.peer_);
  }
  return *this;
}

bool Socket::peer_has_left() const {
  pollfd look{fd_, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

Socket::~Socket() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

namespace {

class TcpStream final : public Stream {
 public:
  TcpStream(io::Shard& shard, Socket socket)
      : shard_(shard), socket_(std::move(socket)), watcher_(shard, socket_.fd()) {}
  ~TcpStream() override { TcpStream::close(); }

  io::Executor& executor() override { return shard_; }

  IoOutcome try_read(std::span<std::byte> into) override {
    CHECK(!into.empty(), "a read needs room");
    for (;;) {
      const ssize_t n = ::recv(socket_.fd(), into.data(), into.size(), 0);
      if (n > 0) {
        return {IoStatus::Done, static_cast<std::size_t>(n)};
      }
      if (n == 0) {
        return {IoStatus::EndOfStream, 0};
      }
      if (errno == EAGAIN) {
        watcher_.blocked_read();
        return {IoStatus::WouldBlock, 0};
      }
      if (errno != EINTR) {
        return fail("read from ");
      }
    }
  }

  IoOutcome try_write(std::span<const std::byte> from) override {
    for (;;) {
      const ssize_t n = ::send(socket_.fd(), from.data(), from.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        return {IoStatus::Done, static_cast<std::size_t>(n)};
      }
      if (errno == EAGAIN) {
        unsent_limit_.refused(socket_.fd());
        watcher_.blocked_write();
        return {IoStatus::WouldBlock, 0};
      }
      if (errno != EINTR) {
        return fail("write to ");
      }
    }
  }

  const Error& last_error() const override { return error_; }

  io::Task<Result<void>> readable() override { co_return co_await watcher_.readable(); }
  io::Task<Result<void>> writable() override { co_return co_await watcher_.writable(); }

  io::Task<Result<void>> shutdown_write() override {
    if (::shutdown(socket_.fd(), SHUT_WR) != 0) {
      fail("close the writing side to ");
      co_return error_;
    }
    co_return Result<void>();
  }

  void close() override {
    watcher_.close();
    const std::string peer = socket_.peer_address();
    socket_ = Socket(-1, peer);
  }

  void limit_unacknowledged(Duration limit) override {
    set_unacknowledged_limit(socket_.fd(), limit);
  }
  void limit_unsent(UnsentBounds bounds) override { unsent_limit_.follow(socket_.fd(), bounds); }

  const std::string& peer_address() const override { return socket_.peer_address(); }

 private:
  IoOutcome fail(std::string_view what) {
    if (watcher_.closed()) {
      error_ = Error(ErrorKind::Cancelled, "connection was closed here");
    } else {
      error_ = Error(ErrorKind::Network,
                     std::string(what) + socket_.peer_address() + ": " + errno_text(errno));
    }
    return {IoStatus::Failed, 0};
  }

  io::Shard& shard_;
  Socket socket_;
  io::FdWatcher watcher_;
  UnsentLimit unsent_limit_;
  Error error_{ErrorKind::Internal, "no error"};
};

}  // namespace

StreamPtr make_tcp_stream(io::Shard& shard, Socket socket) {
  return std::make_unique<TcpStream>(shard, std::move(socket));
}

}  // namespace roadstead::net
