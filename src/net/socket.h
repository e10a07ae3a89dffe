// SPDX-License-Identifier: Apache-2.0
// An owned, connected, non-blocking TCP socket with the peer's address, before a protocol is put
// on it. Plain value; may be moved to the shard that will own the connection.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "io/blocking_pool.h"
#include "io/shard.h"
#include "net/stream.h"

namespace roadstead::net {

class Socket {
 public:
  Socket() = default;
  Socket(int fd, std::string peer_address) : fd_(fd), peer_(std::move(peer_address)) {}
  Socket(Socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), peer_(std::move(other.peer_)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  const std::string& peer_address() const { return peer_; }
  void set_peer_address(std::string address) { peer_ = std::move(address); }
  explicit operator bool() const { return fd_ >= 0; }
  // The peer has closed or shut down its side, whatever it sent before.
  bool peer_has_left() const;

 private:
  int fd_ = -1;
  std::string peer_;
};

// A plain TCP stream.
StreamPtr make_tcp_stream(io::Shard& shard, Socket socket);

struct HostPort {
  std::string host;  // name or address, IPv6 without brackets
  std::string port;
};
Result<HostPort> parse_host_port(std::string_view text, std::string_view default_port);
std::string format_host_port(const HostPort& address);

// Resolves in the pool and tries the addresses in turn, each for at most 3 s. `source_error` tells
// name resolution, refusal and time-out apart in words.
io::Task<Result<Socket>> dial(io::Shard& shard, io::BlockingPool& resolver, HostPort address,
                              Deadline deadline);

// Listens on one address ("0.0.0.0:8443", "[::]:0"); with several shards each opens its own with
// SO_REUSEPORT.
class Listener {
 public:
  static Result<std::unique_ptr<Listener>> open(io::Shard& shard, HostPort address,
                                                bool reuse_port = false);
  // Takes a socket that is already listening (handed over by the previous process).
  static Result<std::unique_ptr<Listener>> adopt(io::Shard& shard, int fd);
  virtual ~Listener() = default;
  virtual io::Task<Result<Socket>> accept() = 0;  // Cancelled after close()
  virtual void close() = 0;
  virtual int fd() const = 0;
  virtual const HostPort& local_address() const = 0;  // with the real port
};

}  // namespace roadstead::net
