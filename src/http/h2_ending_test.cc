// SPDX-License-Identifier: Apache-2.0
// How streams and connections end: cancellation, GOAWAY, silence, loss, and what a client may
// conclude from it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/h2_session.h"
#include "http/h2_test_support.h"
#include "io/event.h"
#include "io/sleep.h"

namespace roadstead::http {
namespace {

using io::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

Task<void> answer_at_once(ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer(200), true));
}

// Waits for the request to be cancelled and notes how it learned of it.
struct WaitForAbort {
  int* aborted;
  ErrorKind* read_error;
  Task<void> operator()(ServerExchange& exchange) const {
    exchange.on_abort([count = aborted] { ++*count; });
    static_cast<void>(co_await exchange.respond(answer(200)));
    static_cast<void>(co_await exchange.write("first"));
    const auto more = co_await exchange.read();
    *read_error = more.ok() ? ErrorKind::Internal : more.error().kind();
    EXPECT_FALSE((co_await exchange.write("nobody listens")).ok());
    // The callback is posted, like this.
    co_await exchange.executor().yield();
  }
};

Task<void> read_first(ClientExchange& exchange) {
  EXPECT_EQ((co_await exchange.response()).value().status, 200);
  EXPECT_EQ((co_await exchange.read()).value(), "first");
}

TEST(H2Ending, DroppingTheExchangeCancelsTheHandler) {
  int aborted = 0;
  ErrorKind read_error = ErrorKind::Internal;
  H2Pair pair(WaitForAbort{&aborted, &read_error});
  auto exchange = pair.client->open(post("/"), false).value();
  pair.loop.run_until_done(read_first(*exchange));
  EXPECT_EQ(aborted, 0);
  exchange.reset();
  pair.settle();
  EXPECT_EQ(aborted, 1);
  EXPECT_EQ(read_error, ErrorKind::Cancelled);
  EXPECT_EQ(pair.handler.ended, 1);
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

Task<void> expect_answer(ClientExchange& exchange) {
  const auto response = co_await exchange.response();
  EXPECT_TRUE(response.ok());
}

TEST(H2Ending, ARequestGivenUpTwiceBeforeItIsSentLeavesTheConnectionAlone) {
  H2Pair pair(answer_at_once);
  pair.settle();
  auto exchange = pair.client->open(get("/"), true).value();
  exchange->reset();
  exchange.reset();  // dropping it resets again
  pair.settle();
  EXPECT_EQ(pair.handler.started, 0);
  EXPECT_FALSE(pair.server_result.has_value());
  const auto next = pair.client->open(get("/"), true).value();
  pair.loop.run_until_done(expect_answer(*next));
}

Task<void> expect_read_error(ClientExchange& exchange, ErrorKind want, bool* done) {
  const auto piece = co_await exchange.read();
  EXPECT_FALSE(piece.ok());
  if (!piece.ok()) {
    EXPECT_EQ(piece.error().kind(), want);
  }
  *done = true;
}

TEST(H2Ending, ResetEndsTheCallersOwnRead) {
  int aborted = 0;
  ErrorKind read_error = ErrorKind::Internal;
  H2Pair pair(WaitForAbort{&aborted, &read_error});
  auto exchange = pair.client->open(post("/"), false).value();
  pair.loop.run_until_done(read_first(*exchange));
  io::TaskGroup group(pair.loop);
  bool done = false;
  group.spawn(expect_read_error(*exchange, ErrorKind::Cancelled, &done));
  pair.settle();
  EXPECT_FALSE(done);
  exchange->reset();
  pair.settle();
  EXPECT_TRUE(done);
  EXPECT_FALSE(exchange->not_processed());
}

Task<void> half_an_answer(ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer(200)));
  static_cast<void>(co_await exchange.write("first"));
  if (exchange.request().target == "/reset") {
    exchange.reset();
  }
}

TEST(H2Ending, AHandlerThatStopsMidwayIsSeenByTheClient) {
  H2Pair pair(half_an_answer);
  for (const char* target : {"/reset", "/return"}) {
    auto exchange = pair.client->open(get(target), true).value();
    bool done = false;
    const bool by_reset = std::string_view(target) == "/reset";
    pair.loop.run_until_done(
        expect_read_error(*exchange, by_reset ? ErrorKind::Cancelled : ErrorKind::Upstream, &done));
  }
  EXPECT_EQ(pair.client->open_streams(), 0U);
}

struct TakeBack {
  int* aborted;
  Task<void> operator()(ServerExchange& exchange) const {
    exchange.on_abort([count = aborted] { ++*count; });
    exchange.on_abort(nullptr);
    static_cast<void>(co_await exchange.read());
  }
};

TEST(H2Ending, ACallbackThatWasTakenBackIsNotCalled) {
  int aborted = 0;
  H2Pair pair(TakeBack{&aborted});
  auto exchange = pair.client->open(post("/"), false).value();
  pair.settle();
  exchange.reset();
  pair.settle();
  EXPECT_EQ(pair.handler.ended, 1);
  EXPECT_EQ(aborted, 0);
}

Task<void> cancel_many(H2Pair& pair, int count) {
  for (int i = 0; i < count; ++i) {
    {
      auto exchange = pair.client->open(post("/"), false).value();
      if (i % 2 == 0) {
        co_await io::sleep_for(pair.loop, milliseconds(1));
      }
    }
    co_await pair.loop.yield();
  }
}

Task<void> wait_for_end(ServerExchange& exchange) {
  static_cast<void>(co_await read_all(exchange));
}

Task<void> expect_ok(H2Session& session, RequestHead head) {
  auto exchange = session.open(std::move(head), true).value();
  EXPECT_TRUE((co_await exchange->response()).ok());
}

TEST(H2Ending, TwentyThousandCancelsLeaveTheConnectionUsable) {
  H2Options server;
  server.reset_burst = 1'000'000;
  server.reset_rate = 1'000'000;
  H2Pair pair(wait_for_end, server);
  pair.settle();
  pair.loop.run_until_done(cancel_many(pair, 20'000));
  pair.loop.run_until_done(expect_ok(*pair.client, get("/")));
  EXPECT_EQ(pair.server->open_streams(), 0U);
  EXPECT_EQ(pair.handler.started, pair.handler.ended);
}

TEST(H2Ending, ResetsBeyondTheLimitCloseTheConnection) {
  H2Options server;
  server.reset_burst = 100;
  server.reset_rate = 1;
  H2Pair pair(wait_for_end, server);
  pair.settle();
  int opened = 0;
  for (; opened < 1000 && !pair.client->draining(); ++opened) {
    auto exchange = pair.client->open(post("/"), false);
    if (!exchange.ok()) {
      break;
    }
    pair.settle();
    exchange->reset();
    pair.settle();
  }
  EXPECT_GE(opened, 100);
  EXPECT_LT(opened, 200);
  EXPECT_TRUE(pair.client->draining());
}

// Answers when told to.
struct AnswerLater {
  std::unique_ptr<io::Event>* go;
  Task<void> operator()(ServerExchange& exchange) const {
    co_await (*go)->wait();
    static_cast<void>(co_await exchange.respond(answer(200), true));
  }
};

Task<void> expect_status(ClientExchange& exchange, int status, bool* done) {
  const auto head = co_await exchange.response();
  EXPECT_TRUE(head.ok());
  if (head.ok()) {
    EXPECT_EQ(head->status, status);
  }
  *done = true;
}

TEST(H2Ending, ServerDrainLetsOpenStreamsEndAndRefusesNewOnes) {
  std::unique_ptr<io::Event> go;
  H2Pair pair(AnswerLater{&go});
  go = std::make_unique<io::Event>(pair.loop);
  pair.settle();
  auto open = pair.client->open(get("/"), true).value();
  bool done = false;
  io::TaskGroup group(pair.loop);
  group.spawn(expect_status(*open, 200, &done));
  pair.settle();
  pair.server->drain();
  pair.settle();
  EXPECT_TRUE(pair.server->draining());
  EXPECT_TRUE(pair.client->draining());
  const auto refused = pair.client->open(get("/"), true);
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(pair.server_result.has_value());
  go->set();
  pair.settle();
  EXPECT_TRUE(done);
  ASSERT_TRUE(pair.server_result.has_value());
  ASSERT_TRUE(pair.client_result.has_value());
  EXPECT_TRUE(pair.server_result->ok()) << pair.server_result->error().to_string();
  EXPECT_TRUE(pair.client_result->ok()) << pair.client_result->error().to_string();
}

TEST(H2Ending, ARequestThatCrossesTheAnnouncementIsServed) {
  H2Pair pair(answer_at_once);
  pair.settle();
  // Both happen before either side reads.
  pair.server->drain();
  auto crossing = pair.client->open(get("/"), true).value();
  bool done = false;
  pair.loop.run_until_done(expect_status(*crossing, 200, &done));
  EXPECT_TRUE(done);
  pair.settle();
  EXPECT_TRUE(pair.server_result.has_value());
}

TEST(H2Ending, ClientDrainEndsWhenItsStreamsHave) {
  std::unique_ptr<io::Event> go;
  H2Pair pair(AnswerLater{&go});
  go = std::make_unique<io::Event>(pair.loop);
  auto open = pair.client->open(get("/"), true).value();
  pair.settle();
  pair.client->drain();
  pair.settle();
  EXPECT_TRUE(pair.server->draining()) << "it is told at once";
  EXPECT_FALSE(pair.client->open(get("/"), true).ok());
  EXPECT_FALSE(pair.client_result.has_value());
  go->set();
  bool done = false;
  pair.loop.run_until_done(expect_status(*open, 200, &done));
  pair.settle();
  ASSERT_TRUE(pair.client_result.has_value());
  EXPECT_TRUE(pair.client_result->ok());
  EXPECT_TRUE(pair.server_result.has_value());
}

Task<void> expect_failure(ClientExchange& exchange, bool not_processed, bool* done) {
  const auto head = co_await exchange.response();
  EXPECT_FALSE(head.ok());
  EXPECT_EQ(exchange.not_processed(), not_processed);
  *done = true;
}

TEST(H2Ending, AfterALossOnlyUnsentRequestsAreKnownUnprocessed) {
  // A pipe so small that the second request cannot leave.
  H2Pair pair(wait_for_end, {}, {}, 2048);
  pair.settle();
  auto sent = pair.client->open(post("/sent"), false).value();
  pair.settle();
  EXPECT_EQ(pair.handler.started, 1);
  auto unsent = pair.client->open(post("/unsent"), false).value();
  bool sent_done = false;
  bool unsent_done = false;
  io::TaskGroup group(pair.loop);
  group.spawn(expect_failure(*sent, false, &sent_done));
  group.spawn(expect_failure(*unsent, true, &unsent_done));
  pair.client->close();  // before the writer had its turn
  pair.settle();
  EXPECT_TRUE(sent_done);
  EXPECT_TRUE(unsent_done);
  EXPECT_EQ(pair.handler.ended, 1);
}

TEST(H2Ending, ExchangesMayOutliveTheSession) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  ClientExchangePtr exchange;
  bool done = false;
  {
    auto [near, far] = net::make_pipe(loop);
    auto session = H2Session::create(std::move(near), H2Session::Role::Client, {}, nullptr);
    io::TaskGroup group(loop);
    std::optional<Result<void>> result;
    group.spawn(run_session(session.get(), &result));
    exchange = session->open(post("/"), false).value();
    loop.run_ready_now();
    far->close();
    loop.run_until_done(group.join());
    EXPECT_EQ(result->error().kind(), ErrorKind::Network);
  }
  loop.run_until_done(expect_failure(*exchange, false, &done));
  exchange->reset();
}

TEST(H2Ending, SilenceIsProbedAndAnsweredSilenceIsFine) {
  H2Options client;
  client.ping_after = seconds(5);
  H2Pair pair(answer_at_once, {}, client);
  pair.loop.run_for(seconds(60));
  EXPECT_FALSE(pair.client_result.has_value());
  EXPECT_GT(pair.client->round_trip(), Duration::zero());
  EXPECT_GE(pair.client->last_received().since_start, seconds(50));
}

// A stream that is there but says nothing: the other end of the pipe is held and never read.
TEST(H2Ending, ADeadPeerIsNoticed) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  auto [near, far] = net::make_pipe(loop);
  H2Options options;
  options.ping_after = seconds(5);
  options.ping_timeout = seconds(5);
  options.settings_timeout = seconds(60);
  auto session = H2Session::create(std::move(near), H2Session::Role::Client, options, nullptr);
  auto exchange = session->open(get("/"), true).value();
  std::optional<Result<void>> result;
  io::TaskGroup group(loop);
  group.spawn(run_session(session.get(), &result));
  loop.run_for(milliseconds(9'900));
  EXPECT_FALSE(result.has_value());
  loop.run_for(milliseconds(200));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().kind(), ErrorKind::Network);
  bool done = false;
  loop.run_until_done(expect_failure(*exchange, false, &done));
}

TEST(H2Ending, APeerWithoutSettingsIsLeft) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  auto [near, far] = net::make_pipe(loop);
  FunctionHandler handler(answer_at_once);
  auto session = H2Session::create(std::move(near), H2Session::Role::Server, {}, &handler);
  std::optional<Result<void>> result;
  io::TaskGroup group(loop);
  group.spawn(run_session(session.get(), &result));
  loop.run_for(seconds(11));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().kind(), ErrorKind::DeadlineExceeded);
}

Task<void> ping_once(H2Session& session, std::optional<Result<Duration>>* out) {
  out->emplace(co_await session.ping());
}

TEST(H2Ending, PingOnDemand) {
  H2Pair pair(answer_at_once);
  std::optional<Result<Duration>> answer;
  pair.loop.run_until_done(ping_once(*pair.server, &answer));
  EXPECT_TRUE(answer->ok());
  pair.client->close();
  pair.settle();
  pair.loop.run_until_done(ping_once(*pair.client, &answer));
  EXPECT_EQ(answer->error().kind(), ErrorKind::Network);
}

TEST(H2Ending, AnIdleServerSessionDrains) {
  H2Options server;
  server.idle_timeout = seconds(60);
  H2Pair pair(answer_at_once, server);
  pair.loop.run_for(seconds(50));
  pair.loop.run_until_done(expect_ok(*pair.client, get("/")));
  pair.loop.run_for(seconds(50));
  EXPECT_FALSE(pair.server_result.has_value());
  pair.loop.run_for(seconds(20));
  ASSERT_TRUE(pair.server_result.has_value());
  EXPECT_TRUE(pair.server_result->ok());
  EXPECT_TRUE(pair.client_result->ok());
}

struct CloseFromInside {
  H2Pair** pair;
  Task<void> operator()(ServerExchange& exchange) const {
    (*pair)->server->close();
    EXPECT_FALSE((co_await exchange.respond(answer(200), true)).ok());
    EXPECT_FALSE((co_await exchange.read()).ok());
  }
};

TEST(H2Ending, AHandlerMayCloseItsSession) {
  H2Pair* self = nullptr;
  H2Pair pair(CloseFromInside{&self});
  self = &pair;
  auto exchange = pair.client->open(post("/"), false).value();
  bool done = false;
  pair.loop.run_until_done(expect_failure(*exchange, false, &done));
  EXPECT_EQ(pair.handler.ended, 1);
  EXPECT_TRUE(pair.server_result.has_value());
}

}  // namespace
}  // namespace roadstead::http
