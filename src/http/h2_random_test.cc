// SPDX-License-Identifier: Apache-2.0
// Random traffic over a pipe that breaks at a random moment. Whatever happens, every task must end,
// every exchange must learn of it, and nothing may leak (AddressSanitizer looks). A failure prints
// its seed.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/random.h"
#include "http/h2_session.h"
#include "http/h2_test_support.h"
#include "io/sleep.h"

namespace roadstead::http {
namespace {

using io::Task;
using std::chrono::microseconds;

// One random stream shared by all actors: order of use is deterministic in simulated time.
struct Actor {
  SeededRandom* random;
  int* running;

  bool chance(std::uint64_t percent) const { return random->below(100) < percent; }
  std::size_t size() const {
    return random->below(2) == 0 ? random->below(200) : random->below(90'000);
  }

  Task<void> pause(io::Executor& executor) const {
    co_await io::sleep_for(executor, microseconds(random->below(50)));
  }
  Task<void> send(BodySink& sink, io::Executor& executor) const {
    const std::uint64_t pieces = random->below(6);
    for (std::uint64_t i = 0; i < pieces; ++i) {
      const std::string bytes(size(), 'r');
      if (!(co_await sink.write(bytes)).ok()) {
        co_return;
      }
      co_await pause(executor);
    }
    Headers trailers;
    if (chance(20)) {
      trailers.add("x-trailer", "t");
    }
    static_cast<void>(co_await sink.finish(std::move(trailers)));
  }
  Task<void> receive(BodySource& source, io::Executor& executor) const {
    for (;;) {
      const auto piece = co_await source.read();
      if (!piece.ok() || piece->empty() || chance(3)) {
        co_return;
      }
      co_await pause(executor);
    }
  }

  // The handler.
  Task<void> operator()(ServerExchange& exchange) const {
    ++*running;
    exchange.on_abort([] {});
    co_await pause(exchange.executor());
    if (chance(10)) {
      exchange.stop_reading();
    }
    if (chance(90)) {
      static_cast<void>(co_await exchange.respond(answer(200), chance(10)));
      co_await io::when_both(exchange.executor(), send(exchange, exchange.executor()),
                             receive(exchange, exchange.executor()));
    }
    if (chance(5)) {
      exchange.reset();
    }
    --*running;
  }
};

Task<void> client_exchange(H2Session& session, Actor actor, io::Executor& executor) {
  co_await actor.pause(executor);
  auto opened = session.open(post("/"), false);
  if (!opened.ok()) {
    co_return;
  }
  const ClientExchangePtr exchange = std::move(*opened);
  if (actor.chance(15)) {
    co_return;
  }
  io::TaskGroup group(executor);
  group.spawn(actor.send(*exchange, executor));
  if ((co_await exchange->response()).ok()) {
    co_await actor.receive(*exchange, executor);
  }
  // An upload whose answer is not read to the end would wait for credit for ever.
  exchange->reset();
  co_await group.join();
}

Task<void> break_it(H2Pair& pair, Actor actor) {
  co_await io::sleep_for(pair.loop, microseconds(actor.random->below(2'000)));
  switch (actor.random->below(5)) {
    case 0:
      pair.client->stream().close();
      break;
    case 1:
      pair.server->stream().close();
      break;
    case 2:
      pair.client->close();
      break;
    case 3:
      pair.server->drain();
      break;
    default:
      pair.client->drain();
      break;
  }
}

TEST(H2Random, NothingIsStuckWhateverBreaks) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    int running = 0;
    const Actor actor{&random, &running};
    H2Options options;
    options.initial_stream_window = 65'535;
    options.max_concurrent_streams = 30;
    {
      H2Pair pair(actor, options, options, 1 + random.below(100'000));
      io::TaskGroup group(pair.loop);
      group.spawn(break_it(pair, actor));
      for (int i = 0; i < 40; ++i) {
        group.spawn(client_exchange(*pair.client, actor, pair.loop));
      }
      pair.loop.run_until_done(group.join(), std::chrono::minutes(10));
      pair.client->close();
      pair.server->close();
      pair.loop.run_for(std::chrono::seconds(1));  // handlers sleep now and then
      ASSERT_TRUE(pair.client_result.has_value());
      ASSERT_TRUE(pair.server_result.has_value());
      EXPECT_EQ(pair.client->open_streams(), 0U);
      EXPECT_EQ(pair.server->open_streams(), 0U);
      EXPECT_EQ(pair.client->queued_bytes(), 0U);
      EXPECT_EQ(pair.handler.started, pair.handler.ended);
    }
    EXPECT_EQ(running, 0);
  }
}

}  // namespace
}  // namespace roadstead::http
