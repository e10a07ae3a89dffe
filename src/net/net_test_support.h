// SPDX-License-Identifier: Apache-2.0
// What the tests of net/ share: connected sockets on the loopback, counts from /proc.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/blocking_pool.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/socket.h"
#include "net/stream.h"

namespace roadstead::net::test {

struct SocketPair {
  Socket a;  // dialled
  Socket b;  // accepted
};

struct Pair {
  StreamPtr a;
  StreamPtr b;
};

inline Deadline soon(io::Executor& executor) {
  return Deadline::after(executor.clock(), std::chrono::seconds(20));
}

inline io::Task<void> accept_into(Listener& listener, Socket& out) {
  Result<Socket> accepted = co_await listener.accept();
  EXPECT_TRUE(accepted.ok());
  if (accepted.ok()) {
    out = std::move(*accepted);
  }
}

inline io::Task<SocketPair> socket_pair(io::Shard& shard) {
  io::BlockingPool pool(0, 0);  // literal addresses are never looked up
  auto listener = Listener::open(shard, {"127.0.0.1", "0"});
  CHECK(listener.ok(), "listen");
  SocketPair pair;
  io::TaskGroup group(shard);
  group.spawn(accept_into(**listener, pair.b));
  Result<Socket> dialled = co_await dial(shard, pool, (*listener)->local_address(), soon(shard));
  EXPECT_TRUE(dialled.ok());
  co_await group.join();
  pair.a = std::move(*dialled);
  co_return pair;
}

inline io::Task<Pair> connected_pair(io::Shard& shard) {
  SocketPair pair = co_await socket_pair(shard);
  co_return Pair{make_tcp_stream(shard, std::move(pair.a)),
                 make_tcp_stream(shard, std::move(pair.b))};
}

inline std::size_t open_descriptors() {
  std::size_t n = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) {
    ++n;
  }
  closedir(dir);
  return n;
}

inline int user_timeout_ms(int fd) {
  int value = -1;
  socklen_t length = sizeof(value);
  getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &length);
  return value;
}

}  // namespace roadstead::net::test
