// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/fd_watcher.h"
#include "io/sleep.h"
#include "net/address.h"
#include "net/socket.h"

namespace roadstead::net {
namespace {

constexpr int kBacklog = 4096;
constexpr Duration kPauseWhenOutOfDescriptors = std::chrono::milliseconds(50);

class TcpListener final : public Listener {
 public:
  TcpListener(io::Shard& shard, Socket socket, HostPort local)
      : shard_(shard),
        socket_(std::move(socket)),
        local_(std::move(local)),
        watcher_(shard, socket_.fd()) {}
  ~TcpListener() override { TcpListener::close(); }

  io::Task<Result<Socket>> accept() override {
    for (;;) {
      SocketAddress peer;
      peer.length = sizeof(peer.storage);
      const int fd =
          ::accept4(socket_.fd(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        configure_connection(fd);
        co_return Socket(fd, format_host_port(to_host_port(peer)));
      }
      if (watcher_.closed()) {
        co_return Error(ErrorKind::Cancelled, "listener was closed");
      }
      if (errno == EAGAIN) {
        watcher_.blocked_read();
        CO_TRY_VOID(co_await watcher_.readable());
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The connection stays in the backlog until something is closed.
        co_await io::sleep_for(shard_, kPauseWhenOutOfDescriptors);
      } else if (!is_fault_of_one_connection(errno)) {
        co_return Error(ErrorKind::Network,
                        "accept on " + format_host_port(local_) + ": " + errno_text(errno));
      }
    }
  }

  void close() override {
    watcher_.close();
    socket_ = Socket();
  }

  int fd() const override { return socket_.fd(); }
  const HostPort& local_address() const override { return local_; }

 private:
  // accept(2): errors already pending on the new connection are reported by accept.
  static bool is_fault_of_one_connection(int error) {
    switch (error) {
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
      case ENETDOWN:
      case ENOPROTOOPT:
      case EHOSTDOWN:
      case ENONET:
      case EHOSTUNREACH:
      case EOPNOTSUPP:
      case ENETUNREACH:
      case EPERM:
      case ETIMEDOUT:
        return true;
      default:
        return false;
    }
  }

  io::Shard& shard_;
  Socket socket_;
  HostPort local_;
  io::FdWatcher watcher_;
};

Result<std::unique_ptr<Listener>> make_listener(io::Shard& shard, Socket socket) {
  SocketAddress local;
  local.length = sizeof(local.storage);
  if (::getsockname(socket.fd(), local.get(), &local.length) != 0) {
    return Error(ErrorKind::Network, "listening socket: " + errno_text(errno));
  }
  return std::unique_ptr<Listener>(
      std::make_unique<TcpListener>(shard, std::move(socket), to_host_port(local)));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(io::Shard& shard, HostPort address,
                                                 bool reuse_port) {
  TRY(const SocketAddress local, parse_socket_address(address));
  const auto failed = [&address](std::string_view why) {
    return Error(ErrorKind::Network,
                 "listen on " + format_host_port(address) + ": " + std::string(why));
  };
  Socket socket(::socket(local.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "");
  if (!socket) {
    return failed(errno_text(errno));
  }
  const int on = 1;
  static_cast<void>(::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
  if (reuse_port && ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return failed("SO_REUSEPORT: " + errno_text(errno));
  }
  if (::bind(socket.fd(), local.get(), local.length) != 0 || ::listen(socket.fd(), kBacklog) != 0) {
    return failed(errno == EACCES ? "permission denied (ports below 1024 need a privilege)"
                                  : errno_text(errno));
  }
  return make_listener(shard, std::move(socket));
}

Result<std::unique_ptr<Listener>> Listener::adopt(io::Shard& shard, int fd) {
  Socket socket(fd, "");
  int listening = 0;
  socklen_t length = sizeof(listening);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return Error(ErrorKind::InvalidArgument,
                 "descriptor " + std::to_string(fd) + " is not a listening socket");
  }
  const int flags = ::fcntl(fd, F_GETFL);
  static_cast<void>(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
  static_cast<void>(::fcntl(fd, F_SETFD, FD_CLOEXEC));
  return make_listener(shard, std::move(socket));
}

}  // namespace roadstead::net
