// SPDX-License-Identifier: Apache-2.0
// Any bytes at an HTTP/2 session in either role. The first byte chooses role and shape; the rest is
// what the peer says. When the peer is gone every task must have ended and nothing may be left.
#include "http/h2_session.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "http/h2_window.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "net/pipe.h"

namespace roadstead::http {
namespace {

using io::Task;

Task<void> read_to_end(BodySource& source) {
  for (;;) {
    const auto piece = co_await source.read();
    if (!piece.ok() || piece->empty()) {
      co_return;
    }
  }
}

class Echo final : public Handler {
 public:
  Task<void> handle(ServerExchange& exchange) override {
    exchange.on_abort([] {});
    const std::string& target = exchange.request().target;
    if (target.size() % 4 == 1) {
      exchange.stop_reading();
    }
    if (target.size() % 4 == 2) {
      co_return;
    }
    static_cast<void>(co_await exchange.respond(ResponseHead{200, {}}));
    for (;;) {
      const auto piece = co_await exchange.read();
      if (!piece.ok() || piece->empty()) {
        break;
      }
      if (!(co_await exchange.write(*piece)).ok()) {
        co_return;
      }
    }
    Headers trailers = exchange.trailers();
    static_cast<void>(co_await exchange.finish(std::move(trailers)));
  }
};

Task<void> run_session(H2Session& session) { static_cast<void>(co_await session.run()); }

Task<void> request(H2Session& session, RequestHead head, std::size_t body) {
  auto opened = session.open(std::move(head), body == 0);
  if (!opened.ok()) {
    co_return;
  }
  const ClientExchangePtr exchange = std::move(*opened);
  const std::string bytes(body, 'b');
  if (body > 0 && (co_await exchange->write(bytes)).ok()) {
    static_cast<void>(co_await exchange->finish());
  }
  if ((co_await exchange->response()).ok()) {
    co_await read_to_end(*exchange);
  }
}

Task<void> drain_input(net::Stream& stream) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const auto n = co_await stream.read_some(buffer);
    if (!n.ok() || *n == 0) {
      co_return;
    }
  }
}

Task<void> say(net::Stream& stream, std::string_view bytes, std::size_t step) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, step);
    if (!(co_await stream.write_all(part)).ok()) {
      co_return;
    }
    bytes.remove_prefix(part.size());
    co_await stream.executor().yield();
  }
}

RequestHead head(std::string method, std::string target, std::string protocol) {
  RequestHead out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.authority = "a.test";
  out.protocol = std::move(protocol);
  return out;
}

void converse(std::uint8_t shape, std::string bytes) {
  const bool server = (shape & 1) != 0;
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  auto [near, far] = net::make_pipe(loop, 16 * 1024);
  BufferBudget budget(1 << 20);
  H2Options options;
  options.buffer_budget = &budget;
  options.initial_stream_window = 65'535;
  options.max_concurrent_streams = 10;
  options.max_header_bytes = 4096;
  options.enable_connect_protocol = true;
  options.ping_after = std::chrono::seconds(5);
  options.idle_timeout = (shape & 8) != 0 ? std::chrono::seconds(1) : Duration::zero();
  Echo handler;
  const auto session =
      H2Session::create(std::move(near), server ? H2Session::Role::Server : H2Session::Role::Client,
                        options, &handler);
  io::TaskGroup group(loop);
  group.spawn(run_session(*session));
  if ((shape & 2) != 0) {  // skip what every connection starts with
    const std::string_view settings("\0\0\0\4\0\0\0\0\0", 9);
    bytes.insert(0, settings);
    bytes.insert(0, server ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "");
  }
  if (!server) {
    group.spawn(request(*session, head("GET", "/", ""), 0));
    group.spawn(request(*session, head("POST", "/p", ""), 100'000));
    group.spawn(request(*session, head("GET", "/exec", "websocket"), 10));
  }
  if ((shape & 4) == 0) {
    group.spawn(drain_input(*far));
  }
  group.spawn(say(*far, bytes, (shape & 16) != 0 ? 7 : 60'000));
  loop.run_for(std::chrono::seconds(3));
  if ((shape & 32) != 0) {
    session->drain();
    loop.run_for(std::chrono::seconds(3));
  }
  far->close();
  loop.run_until_done(group.join(), std::chrono::minutes(1));
}

}  // namespace
}  // namespace roadstead::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) {
    roadstead::http::converse(data[0],
                              std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  }
  return 0;
}
