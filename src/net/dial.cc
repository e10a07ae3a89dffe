// SPDX-License-Identifier: Apache-2.0
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "io/event.h"
#include "io/fd_watcher.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "net/address.h"
#include "net/connect_fault.h"
#include "net/socket.h"

namespace roadstead::net {
namespace {

constexpr Duration kPerAddress = std::chrono::seconds(3);
constexpr std::size_t kMostAddresses = 8;

using Addresses = std::vector<SocketAddress>;

std::string seconds_text(Duration d) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  return ms >= 1000 && ms % 1000 == 0 ? std::to_string(ms / 1000) + " s"
                                      : std::to_string(ms) + " ms";
}

// Blocks; runs on a pool thread.
Result<Addresses> look_up(const HostPort& address) {
  const auto failed = [&address](ErrorKind kind, std::string_view why) {
    return with_fault(Error(kind, "resolve \"" + address.host + "\": " + std::string(why)),
                      ConnectFault::NameNotResolved);
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY) {
    return failed(ErrorKind::Network, "no such name");
  }
  if (error == EAI_AGAIN) {
    return failed(ErrorKind::Network, "the name server gives no answer");
  }
  if (error != 0) {
    return failed(ErrorKind::Network, ::gai_strerror(error));
  }
  Addresses out;
  for (const addrinfo* i = found; i != nullptr && out.size() < kMostAddresses; i = i->ai_next) {
    SocketAddress one;
    one.length = i->ai_addrlen;
    std::copy_n(reinterpret_cast<const std::byte*>(i->ai_addr), i->ai_addrlen,
                reinterpret_cast<std::byte*>(&one.storage));
    out.push_back(one);
  }
  ::freeaddrinfo(found);
  return out;
}

// One look-up, owned by whoever of the caller and the pool thread finishes last: the caller leaves
// at its deadline, getaddrinfo does not.
struct Lookup {
  Lookup(io::Executor& executor, HostPort target)
      : address(std::move(target)), done(executor), result(Error(ErrorKind::Internal, "pending")) {}
  HostPort address;
  io::Event done;
  Result<Addresses> result;
};

io::Task<Result<Addresses>> resolve(io::Shard& shard, io::BlockingPool& pool, HostPort address,
                                    Deadline deadline) {
  if (Result<SocketAddress> literal = parse_socket_address(address); literal.ok()) {
    co_return Addresses{*literal};
  }
  auto lookup = std::make_shared<Lookup>(shard, address);
  const bool accepted = pool.submit([lookup, &shard] {
    lookup->result = look_up(lookup->address);
    shard.post_remote([lookup] { lookup->done.set(); });
  });
  if (!accepted) {
    co_return Error(ErrorKind::TooManyRequests, "too many names are being resolved; try again");
  }
  io::DeadlineGuard guard(shard, deadline, [&lookup] { lookup->done.pulse(); });
  while (!lookup->done.is_set() && !guard.expired()) {
    co_await lookup->done.wait();
  }
  if (!lookup->done.is_set()) {
    co_return with_fault(
        Error(ErrorKind::DeadlineExceeded, "resolve \"" + address.host + "\": no answer in time"),
        ConnectFault::NameNotResolved);
  }
  co_return std::move(lookup->result);
}

Error not_connected(Error error, int code) {
  if (code == ECONNREFUSED) {
    return with_fault(std::move(error), ConnectFault::ConnectionRefused);
  }
  return code == ETIMEDOUT ? with_fault(std::move(error), ConnectFault::NoAnswer)
                           : std::move(error);
}

io::Task<Result<Socket>> connect_one(io::Shard& shard, SocketAddress address, Deadline deadline) {
  const std::string name = format_host_port(to_host_port(address));
  const auto failed = [&name](ErrorKind kind, std::string_view why) {
    return Error(kind, "connect " + name + ": " + std::string(why));
  };
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), name);
  if (!socket) {
    co_return failed(ErrorKind::Network, errno_text(errno));
  }
  configure_connection(socket.fd());
  if (::connect(socket.fd(), address.get(), address.length) == 0) {
    co_return socket;
  }
  if (errno != EINPROGRESS) {
    const int error = errno;
    co_return not_connected(failed(ErrorKind::Network, errno_text(error)), error);
  }

  const MonotonicTime start = shard.clock().now();
  const MonotonicTime end = std::min(start + kPerAddress, deadline.time());
  io::FdWatcher watcher(shard, socket.fd());
  watcher.blocked_write();
  io::DeadlineGuard guard(shard, Deadline::at(end), [&watcher] { watcher.close(); });
  if (!(co_await watcher.writable()).ok()) {
    const bool overall = deadline.expired(shard.clock());
    co_return with_fault(failed(overall ? ErrorKind::DeadlineExceeded : ErrorKind::Network,
                                "no answer within " + seconds_text(end - start)),
                         ConnectFault::NoAnswer);
  }
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    error = errno;
  }
  if (error != 0) {
    co_return not_connected(failed(ErrorKind::Network, errno_text(error)), error);
  }
  co_return socket;
}

// What two addresses of a name had to say; it is a fault only when it is that of both.
Error both(const Error& first, const Error& second) {
  Error out(second.kind(), first.message() + "; " + second.message());
  const std::optional<ConnectFault> fault = fault_of(second);
  return fault.has_value() && fault == fault_of(first) ? with_fault(std::move(out), *fault)
                                                       : std::move(out);
}

}  // namespace

io::Task<Result<Socket>> dial(io::Shard& shard, io::BlockingPool& resolver, HostPort address,
                              Deadline deadline) {
  CO_TRY(const Addresses addresses, co_await resolve(shard, resolver, address, deadline));
  std::optional<Error> failure;
  for (const SocketAddress& one : addresses) {
    Result<Socket> socket = co_await connect_one(shard, one, deadline);
    if (socket.ok()) {
      co_return std::move(socket);
    }
    Error error = std::move(socket).error();
    failure = failure.has_value() ? both(*failure, error) : std::move(error);
    if (deadline.expired(shard.clock())) {
      co_return with_fault(std::move(*failure).with_kind(ErrorKind::DeadlineExceeded),
                           ConnectFault::NoAnswer);
    }
  }
  if (!failure.has_value()) {
    co_return with_fault(Error(ErrorKind::Network, "resolve \"" + address.host + "\": no address"),
                         ConnectFault::NameNotResolved);
  }
  co_return std::move(*failure);
}

}  // namespace roadstead::net
