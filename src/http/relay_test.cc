// SPDX-License-Identifier: Apache-2.0
#include "http/relay.h"

#include <gtest/gtest.h>

#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

struct Answer : Handler {
  io::Task<void> handle(ServerExchange& exchange) override {
    ResponseHead head;
    head.status = status;
    co_await send_whole(exchange, std::move(head), body);
  }
  int status = 200;
  std::string body;
};

struct Whole {
  const char* method;
  int status;
  const char* body;
  bool has_length;
  bool has_body;
};

class SendWhole : public testing::TestWithParam<Whole> {};

TEST_P(SendWhole, SaysItsLengthAndLeavesTheBodyOutWhereHttpHasNone) {
  const Whole& want = GetParam();
  World world;
  Answer answer;
  answer.status = want.status;
  answer.body = want.body;
  ServedPipe pipe(world, answer);
  const std::string wire =
      pipe.client.exchange(std::string(want.method) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string length = "content-length: " + std::to_string(answer.body.size()) + "\r\n";
  EXPECT_EQ(wire.find(length) != std::string::npos, want.has_length) << wire;
  EXPECT_EQ(wire.substr(wire.find("\r\n\r\n") + 4), want.has_body ? want.body : "");
  // The connection is good for another request.
  EXPECT_TRUE(pipe.client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 "))
      << wire;
}

INSTANTIATE_TEST_SUITE_P(
    Answers, SendWhole,
    testing::Values(Whole{"GET", 200, "whole", true, true}, Whole{"GET", 404, "no", true, true},
                    Whole{"GET", 200, "", true, false}, Whole{"HEAD", 200, "whole", true, false},
                    Whole{"POST", 204, "", false, false}, Whole{"GET", 304, "", false, false}));

TEST(SendWhole, IsNoErrorWhenThePeerHasGone) {
  World world;
  Answer answer;
  answer.body = std::string(1 << 20, 'x');
  ServedPipe pipe(world, answer, {}, 1024);
  pipe.client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  pipe.client.close();
  EXPECT_FALSE(pipe.running());
}

}  // namespace
}  // namespace roadstead::http
