// SPDX-License-Identifier: Apache-2.0
// What benchmarks ask of Stub and Agent: a user's connection, Stub, lane, Agent and a connection to
// the API server, all HTTP/2 on one thread over in-memory pipes, without TLS and without system
// calls but those for audit lines, which a thread of their own writes to /dev/null.
// The user's and the API server's ends are in every figure too, and the same before and after a
// change. Each function runs until what it says is done, and ends the process when it went wrong.
#pragma once

#include <cstddef>
#include <memory>

namespace roadstead::bench {

class RequestWorld {
 public:
  // With one lane, over which one request has gone.
  RequestWorld();
  ~RequestWorld();
  RequestWorld(const RequestWorld&) = delete;
  RequestWorld& operator=(const RequestWorld&) = delete;

  // `clients` side by side, each `each` times a small object.
  void fetch(int clients, int each);
  void download(std::size_t bytes);
  void upload(std::size_t bytes);
  void open_watches(int count);
  // `rounds` times one event of 1 KiB to every watch, the next when all have come.
  void send_events(int rounds);

 private:
  class World;
  std::unique_ptr<World> world_;
};

}  // namespace roadstead::bench
