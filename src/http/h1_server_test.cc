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

}  // namespace
}  // namespace roadstead::http
