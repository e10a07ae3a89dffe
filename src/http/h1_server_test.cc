// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1_test_support.h"
#include "io/event.h"

namespace roadstead::http {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Answers with what the test says, and remembers what it was asked.
struct Script : Handler {
  explicit Script(World& world) : gate(world.loop) { gate.set(); }

  io::Task<void> handle(ServerExchange& exchange) override {
    ++calls;
    last = exchange.request();
    exchange.on_abort([this] { ++aborts; });
    co_await gate.wait();
    if (read_body) {
      body.clear();
      for (;;) {
        Result<std::string> piece = co_await exchange.read();
        if (!piece.ok()) {
          errors.push_back(piece.error().kind());
          break;
        }
        if (piece->empty()) {
          break;
        }
        body += *piece;
      }
    }
    if (silent) {
      co_return;
    }
    if (Result<void> sent = co_await exchange.respond(response, answer.empty()); !sent.ok()) {
      errors.push_back(sent.error().kind());
    }
    if (!answer.empty()) {
      if (Result<void> sent = co_await exchange.write(answer); !sent.ok()) {
        errors.push_back(sent.error().kind());
      }
      if (finish) {
        if (Result<void> sent = co_await exchange.finish({}); !sent.ok()) {
          errors.push_back(sent.error().kind());
        }
      }
    }
  }

  io::Event gate;
  bool read_body = true;
  bool silent = false;
  bool finish = true;
  ResponseHead response = make_response(200);
  std::string answer;
  int calls = 0;
  int aborts = 0;
  RequestHead last;
  std::string body;
  std::vector<ErrorKind> errors;
};

struct H1ServerTest : testing::Test {
  World world;
  Script script{world};
};

TEST_F(H1ServerTest, ServesOneRequestAfterTheOther) {
  ServedPipe pipe(world, script);
  EXPECT_EQ(pipe.client.exchange("GET /a?b=%2f HTTP/1.1\r\nHost: x\r\nX-Y: z\r\n\r\n"),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(script.last.target, "/a?b=%2f");
  EXPECT_EQ(script.last.authority, "x");
  ASSERT_NE(script.last.headers.find("x-y"), nullptr);
  EXPECT_FALSE(script.last.headers.has("host"));

  script.answer = "hello";
  script.response.headers.add("content-length", "5");
  EXPECT_EQ(pipe.client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
  EXPECT_EQ(script.body, "abc");

  script.response = make_response(201);
  EXPECT_EQ(pipe.client.exchange("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "2\r\nab\r\n1;x=\"y\"\r\nc\r\n0\r\n\r\n"),
            "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(script.body, "abc");
  EXPECT_EQ(script.calls, 3);
}

TEST_F(H1ServerTest, AnswersBadRequestsWithAStatusAndCloses) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET / HTTP/1.1\nHost: x\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(70000, 'a') + "\r\n\r\n",
       "431 Request Header Fields Too Large"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented"},
      {"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", "501 Not Implemented"},
      {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"},
  };
  for (const auto& [request, status] : cases) {
    ServedPipe pipe(world, script);
    const std::string answer =
        pipe.client.exchange(request + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + status + "\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nconnection: close\r\n"));
    EXPECT_THAT(answer, HasSubstr(R"("kind":"Status","apiVersion":"v1")"));
    EXPECT_THAT(answer, HasSubstr("\"code\":" + status.substr(0, 3) + "}\n"));
    EXPECT_EQ(answer.find("\nHTTP/1.1 "), answer.npos) << "one answer only";
    EXPECT_TRUE(pipe.client.ended());
    pipe.client.close();
    EXPECT_FALSE(pipe.running());
  }
  EXPECT_EQ(script.calls, 0);
}

TEST_F(H1ServerTest, SaysContinueWhenTheBodyIsAskedFor) {
  ServedPipe pipe(world, script);
  const std::string head =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(pipe.client.exchange(head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(pipe.client.exchange("abc"), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(script.body, "abc");

  script.read_body = false;
  EXPECT_EQ(pipe.client.exchange(head),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(pipe.client.ended());
}

TEST_F(H1ServerTest, MakesPipelinedRequestsWaitAndBoundsThem) {
  ServedPipe pipe(world, script);
  script.gate.reset();
  const std::string request =
      "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(970, 'a') + "\r\n\r\n";
  std::string flood;
  for (int i = 0; i < 300; ++i) {
    flood += request;
  }
  EXPECT_EQ(pipe.client.exchange(flood), "");
  EXPECT_EQ(script.calls, 1);
  // 64 KiB wait in the pipe, 64 KiB in the server, and one head was read.
  EXPECT_GE(pipe.client.unsent(), flood.size() - 2 * 65536 - request.size());
  script.gate.set();
  const std::string answers = pipe.client.received();
  EXPECT_GE(script.calls, 120);
  EXPECT_EQ(answers.size() % std::string("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").size(),
            0U);
}

TEST_F(H1ServerTest, FramesResponsesWithoutABody) {
  ServedPipe pipe(world, script);
  script.response.headers.add("content-length", "5");
  script.response.headers.add("transfer-encoding", "chunked");
  script.response.headers.add("connection", "x-evil");
  script.answer = "hello";
  EXPECT_EQ(pipe.client.exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  script.answer.clear();
  script.response = make_response(204);
  EXPECT_EQ(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 204 No Content\r\n\r\n");
  script.response = make_response(304);
  EXPECT_EQ(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 304 Not Modified\r\n\r\n");
  EXPECT_TRUE(script.errors.empty());
}

TEST_F(H1ServerTest, ChecksTheLengthThatWasPromised) {
  for (const std::string& answer : {"hell", "hello!"}) {
    ServedPipe pipe(world, script);
    script.errors.clear();
    script.response = make_response(200);
    script.response.headers.add("content-length", "5");
    script.answer = answer;
    const std::string got = pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(got, Not(EndsWith("hello!")));
    EXPECT_EQ(script.errors.front(), ErrorKind::InvalidArgument);
    EXPECT_TRUE(pipe.client.ended() || pipe.client.failed());
    EXPECT_FALSE(pipe.running());
  }
}

TEST_F(H1ServerTest, RefusesToWriteHeadersThatSplit) {
  ServedPipe pipe(world, script);
  script.response.headers.add("a", "b\r\nset-cookie: c");
  const std::string got = pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(got, Not(HasSubstr("cookie")));
  EXPECT_EQ(script.errors.front(), ErrorKind::InvalidArgument);
}

TEST_F(H1ServerTest, AnswersForSilentHandlersAndResetsUnfinishedOnes) {
  script.silent = true;
  {
    ServedPipe pipe(world, script);
    EXPECT_THAT(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
    EXPECT_TRUE(pipe.client.ended());
  }
  script.silent = false;
  script.finish = false;
  script.answer = "half";
  ServedPipe pipe(world, script);
  EXPECT_THAT(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
              Not(EndsWith("0\r\n\r\n")));
  EXPECT_FALSE(pipe.running());
}

TEST_F(H1ServerTest, NoticesAClientThatLeaves) {
  for (const bool broken : {false, true}) {
    ServedPipe pipe(world, script);
    script.errors.clear();
    script.aborts = 0;
    script.gate.reset();
    pipe.client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(script.aborts, 0);
    if (broken) {
      pipe.client.close();
    } else {
      pipe.client.half_close();
    }
    EXPECT_EQ(script.aborts, 1);
    EXPECT_TRUE(pipe.running()) << "the handler decides when it ends";
    script.gate.set();
    world.settle();
    EXPECT_FALSE(pipe.running());
    EXPECT_EQ(script.errors.front(), ErrorKind::Cancelled);
  }
}

TEST_F(H1ServerTest, TellsTheHandlerWhenItIsClosed) {
  ServedPipe pipe(world, script);
  script.gate.reset();
  pipe.client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
  pipe.server->close();
  EXPECT_EQ(script.aborts, 0) << "never inside the call";
  world.settle();
  EXPECT_EQ(script.aborts, 1);
  script.gate.set();
  world.settle();
  EXPECT_FALSE(pipe.running());
}

TEST_F(H1ServerTest, ClosesIdleConnectionsInTime) {
  ServedPipe pipe(world, script);
  EXPECT_THAT(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
  world.loop.run_for(seconds(119));
  EXPECT_EQ(pipe.client.received(), "");
  EXPECT_FALSE(pipe.client.ended());
  world.loop.run_for(seconds(2));
  EXPECT_EQ(pipe.client.received(), "");
  EXPECT_TRUE(pipe.client.ended());
  world.loop.run_for(seconds(10));
  EXPECT_FALSE(pipe.running());
}

TEST_F(H1ServerTest, DoesNotWaitLongForAHead) {
  ServedPipe pipe(world, script);
  world.loop.run_for(seconds(100));
  for (int i = 0; i < 29; ++i) {
    pipe.client.send("G");  // a byte a second does not help
    world.loop.run_for(seconds(1));
    EXPECT_EQ(pipe.client.received(), "");
  }
  world.loop.run_for(seconds(2));
  EXPECT_THAT(pipe.client.received(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(pipe.client.ended());
}

TEST_F(H1ServerTest, DrainsIdleConnectionsAtOnceAndBusyOnesAfterTheAnswer) {
  ServedPipe idle(world, script);
  ServedPipe busy(world, script);
  idle.client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.client.received(), StartsWith("HTTP/1.1 200 OK"));
  script.gate.reset();
  busy.client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.server->drain();
  busy.server->drain();
  EXPECT_EQ(idle.client.received(), "");
  EXPECT_TRUE(idle.client.ended());
  EXPECT_EQ(busy.client.received(), "");
  EXPECT_FALSE(busy.client.ended());
  script.gate.set();
  EXPECT_THAT(busy.client.received(), HasSubstr("connection: close"));
  EXPECT_TRUE(busy.client.ended());
}

TEST_F(H1ServerTest, ADrainServesAClientThatHasJustConnectedOnce) {
  ServedPipe fresh(world, script);
  ServedPipe silent(world, script);
  fresh.server->drain();
  silent.server->drain();
  fresh.client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(fresh.client.received(), HasSubstr("connection: close"));
  EXPECT_TRUE(fresh.client.ended());
  EXPECT_EQ(silent.client.received(), "");
  EXPECT_FALSE(silent.client.ended());
  world.loop.run_for(seconds(2));
  EXPECT_EQ(silent.client.received(), "");
  EXPECT_TRUE(silent.client.ended());
}

TEST_F(H1ServerTest, DropsAShortUnreadBodyAndClosesOnALongOne) {
  script.read_body = false;
  for (const std::size_t length : {200U * 1024, 400U * 1024}) {
    ServedPipe pipe(world, script);
    script.calls = 0;
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    pipe.client.send(head + std::to_string(length) + "\r\n\r\n" + std::string(length, 'b'));
    EXPECT_THAT(pipe.client.received(), StartsWith("HTTP/1.1 200 OK"));
    pipe.client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(script.calls, length < 256U * 1024 ? 2 : 1);
  }
}

// Copies raw bytes back until the client ends its side, then ends its own.
struct Echo : Handler {
  io::Task<void> handle(ServerExchange& exchange) override {
    ++calls;
    ResponseHead head = make_response(status);
    head.headers.add("upgrade", "SPDY/3.1");
    if (!(co_await exchange.respond(std::move(head), status != 101)).ok() || status != 101) {
      co_return;
    }
    for (;;) {
      const Result<std::string> bytes = co_await exchange.read();
      if (!bytes.ok()) {
        co_return;
      }
      if (bytes->empty()) {
        break;
      }
      if (!(co_await exchange.write(*bytes)).ok()) {
        co_return;
      }
    }
    ended = true;
    if (speak_last) {
      static_cast<void>(co_await exchange.write("last words"));
    }
    static_cast<void>(co_await exchange.finish({}));
  }
  int status = 101;
  int calls = 0;
  bool ended = false;
  bool speak_last = true;
};

const std::string kUpgrade =
    "POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n";

TEST_F(H1ServerTest, UpgradesWithEarlyBytesAndHalfCloses) {
  Echo echo;
  ServedPipe pipe(world, echo);
  const std::string early = "GET /x HTTP/1.1\r\n\r\n" + std::string(1, '\0') + "early";
  EXPECT_EQ(pipe.client.exchange(kUpgrade + early),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: SPDY/3.1\r\nconnection: Upgrade\r\n\r\n" +
                early);
  EXPECT_EQ(pipe.client.exchange("more"), "more");
  pipe.client.half_close();
  EXPECT_EQ(pipe.client.received(), "last words");
  EXPECT_TRUE(echo.ended);
  EXPECT_TRUE(pipe.client.ended());
  EXPECT_FALSE(pipe.running());
  EXPECT_EQ(echo.calls, 1);
}

TEST_F(H1ServerTest, KeepsAHalfCloseThatCameBeforeTheAnswer) {
  Echo echo;
  auto [near, far] = net::make_pipe(world.loop);
  RawEnd client(world, std::move(far));
  client.send(kUpgrade + "early");
  client.half_close();
  auto server = H1Server::create(std::move(near), {}, echo);
  world.loop.run_until_done(server->run());
  EXPECT_THAT(client.received(), EndsWith("\r\n\r\nearlylast words"));
}

TEST_F(H1ServerTest, ClosesAfterARefusedUpgrade) {
  for (const int status : {200, 403, 500}) {
    Echo echo;
    echo.status = status;
    ServedPipe pipe(world, echo);
    const std::string got =
        pipe.client.exchange(kUpgrade + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(got, HasSubstr("connection: close\r\n"));
    EXPECT_TRUE(pipe.client.ended());
    pipe.client.send("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(echo.calls, 1);
  }
}

TEST_F(H1ServerTest, SwitchesOnlyWhenAsked) {
  Echo echo;
  ServedPipe pipe(world, echo);
  EXPECT_THAT(pipe.client.exchange("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: SPDY/3.1\r\n\r\n"),
              StartsWith("HTTP/1.1 500 "));
}

// Reads until it is told to stop by a second coroutine.
struct Stopper : Handler {
  explicit Stopper(World& world) : loop(world.loop) {}
  io::Task<void> read(ServerExchange& exchange) {
    for (;;) {
      const Result<std::string> piece = co_await exchange.read();
      if (!piece.ok()) {
        end = piece.error().kind();
      }
      if (!piece.ok() || piece->empty()) {
        break;
      }
    }
  }
  io::Task<void> answer(ServerExchange& exchange) {
    co_await loop.yield();
    exchange.stop_reading();
    static_cast<void>(co_await exchange.respond(make_response(200), true));
  }
  io::Task<void> handle(ServerExchange& exchange) override {
    ++calls;
    co_await io::when_both(loop, read(exchange), answer(exchange));
  }
  io::SimulatedLoop& loop;
  int calls = 0;
  ErrorKind end = ErrorKind::Internal;
};

TEST_F(H1ServerTest, StopsReadingAndDropsTheRest) {
  Stopper stopper(world);
  ServedPipe pipe(world, stopper);
  pipe.client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(pipe.client.received(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(stopper.end, ErrorKind::Cancelled);
  EXPECT_EQ(stopper.calls, 1);
  pipe.client.send("defPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(stopper.calls, 2);
}

TEST_F(H1ServerTest, ReadsTheSameByteByByte) {
  ServedPipe pipe(world, script);
  script.answer = "hello";
  std::string got;
  for (const char c :
       std::string("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "2\r\nab\r\n1\r\nc\r\n0\r\nt: u\r\n\r\n"
                   "GET /b HTTP/1.1\r\nHost: x\r\n\r\n")) {
    pipe.client.send(std::string(1, c));
    got += pipe.client.received();
  }
  const std::string answer =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  EXPECT_EQ(got, answer + answer);
  EXPECT_EQ(script.calls, 2);
}

}  // namespace
}  // namespace roadstead::http
