// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a simulated loop, and raw bytes at one end of a pipe.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "http/h1_connection.h"
#include "io/simulated_loop.h"
#include "net/pipe.h"

namespace roadstead::http {

struct World {
  FakeClock clock;
  io::SimulatedLoop loop{clock};
  void settle() { loop.run_ready_now(); }
};

// One end of a pipe whose other end belongs to the code under test. Nothing here suspends.
class RawEnd {
 public:
  RawEnd(World& world, net::StreamPtr stream) : world_(world), stream_(std::move(stream)) {}

  // Sends what the pipe takes, lets the world run, and goes on until all is sent or refused.
  void send(std::string_view text) {
    int stuck = 0;
    while (!text.empty() && stuck < 3) {
      const net::IoOutcome outcome = stream_->try_write(std::as_bytes(std::span(text)));
      if (outcome.status == net::IoStatus::Done) {
        text.remove_prefix(outcome.bytes);
        stuck = 0;
      } else if (outcome.status == net::IoStatus::Failed) {
        break;
      } else {
        ++stuck;
      }
      world_.settle();
    }
    unsent_ = text.size();
  }
  // All that has arrived since the last call.
  std::string received() {
    std::string out;
    std::array<std::byte, 4096> buffer;
    for (;;) {
      world_.settle();
      const net::IoOutcome outcome = stream_->try_read(buffer);
      if (outcome.status != net::IoStatus::Done) {
        ended_ = outcome.status == net::IoStatus::EndOfStream;
        failed_ = outcome.status == net::IoStatus::Failed;
        return out;
      }
      out.append(reinterpret_cast<const char*>(buffer.data()), outcome.bytes);
    }
  }
  std::string exchange(std::string_view text) {
    send(text);
    return received();
  }
  void half_close() {
    world_.loop.run_until_done(end_writing());
    world_.settle();
  }
  void close() {
    stream_->close();
    world_.settle();
  }
  bool ended() const { return ended_; }    // the other side ended, as received() saw
  bool failed() const { return failed_; }  // or broke
  std::size_t unsent() const { return unsent_; }

 private:
  io::Task<void> end_writing() { static_cast<void>(co_await stream_->shutdown_write()); }

  World& world_;
  net::StreamPtr stream_;
  std::size_t unsent_ = 0;
  bool ended_ = false;
  bool failed_ = false;
};

// An H1Server over a pipe with the client's raw end. Joined when destroyed.
class ServedPipe {
 public:
  ServedPipe(World& world, Handler& handler, H1Limits limits = {}, std::size_t capacity = 65536)
      : ServedPipe(world, handler, limits, net::make_pipe(world.loop, capacity)) {}
  ~ServedPipe() {
    server->close();
    world_.settle();
  }
  ServedPipe(const ServedPipe&) = delete;
  ServedPipe& operator=(const ServedPipe&) = delete;
  bool running() const { return group_.running() > 0; }

 private:
  ServedPipe(World& world, Handler& handler, H1Limits limits,
             std::pair<net::StreamPtr, net::StreamPtr> ends)
      : world_(world),
        group_(world.loop),
        server(H1Server::create(std::move(ends.first), limits, handler)),
        client(world, std::move(ends.second)) {
    group_.spawn(server->run());
    world.settle();
  }
  World& world_;
  io::TaskGroup group_;

 public:
  std::unique_ptr<H1Server> server;
  RawEnd client;
};

inline std::string random_bytes(Random& random, std::size_t n) {
  std::string out(n, '\0');
  random.fill(std::as_writable_bytes(std::span(out)));
  return out;
}

inline RequestHead make_request(std::string method, std::string target, Headers headers = {}) {
  RequestHead head;
  head.method = std::move(method);
  head.authority = "example.test";
  head.target = std::move(target);
  head.headers = std::move(headers);
  return head;
}

inline ResponseHead make_response(int status, Headers headers = {}) {
  ResponseHead head;
  head.status = status;
  head.headers = std::move(headers);
  return head;
}

}  // namespace roadstead::http
