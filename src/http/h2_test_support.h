// SPDX-License-Identifier: Apache-2.0
// A client and a server session joined by a pipe in simulated time, for the tests.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "http/h2_session.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "net/pipe.h"

namespace roadstead::http {

// Calls a plain coroutine function for every request.
class FunctionHandler final : public Handler {
 public:
  using Function = std::function<io::Task<void>(ServerExchange&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  io::Task<void> handle(ServerExchange& exchange) override {
    ++started;
    co_await function_(exchange);
    ++ended;
  }
  int started = 0;
  int ended = 0;

 private:
  Function function_;
};

inline io::Task<void> run_session(H2Session* session, std::optional<Result<void>>* out) {
  out->emplace(co_await session->run());
}

// Both sessions run until the pair is destroyed.
class H2Pair {
 public:
  explicit H2Pair(FunctionHandler::Function function, H2Options server_options = {},
                  H2Options client_options = {}, std::size_t capacity = 65536)
      : loop(clock), handler(std::move(function)), group_(loop) {
    auto [a, b] = net::make_pipe(loop, capacity);
    start(std::move(a), std::move(b), server_options, client_options);
  }
  ~H2Pair() {
    client->close();
    server->close();
    loop.run_until_done(group_.join());
  }

  void settle() { loop.run_ready_now(); }

  FakeClock clock;
  io::SimulatedLoop loop;
  FunctionHandler handler;
  std::unique_ptr<H2Session> client;
  std::unique_ptr<H2Session> server;
  std::optional<Result<void>> client_result;
  std::optional<Result<void>> server_result;

 private:
  void start(net::StreamPtr a, net::StreamPtr b, H2Options server_options,
             H2Options client_options) {
    client = H2Session::create(std::move(a), H2Session::Role::Client, client_options, nullptr);
    server = H2Session::create(std::move(b), H2Session::Role::Server, server_options, &handler);
    group_.spawn(run_session(client.get(), &client_result));
    group_.spawn(run_session(server.get(), &server_result));
  }
  io::TaskGroup group_;
};

inline RequestHead get(std::string target) {
  RequestHead head;
  head.method = "GET";
  head.authority = "cluster.test";
  head.target = std::move(target);
  return head;
}

inline RequestHead post(std::string target) {
  RequestHead head = get(std::move(target));
  head.method = "POST";
  return head;
}

inline ResponseHead answer(int status) { return ResponseHead{status, {}}; }

// Everything until the end.
inline io::Task<Result<std::string>> read_all(BodySource& source) {
  std::string all;
  for (;;) {
    CO_TRY(std::string piece, co_await source.read());
    if (piece.empty()) {
      co_return all;
    }
    all += piece;
  }
}

}  // namespace roadstead::http
