// SPDX-License-Identifier: Apache-2.0
#include "stub/request_body.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "io/simulated_loop.h"

namespace roadstead::stub {
namespace {

// A user's request whose body comes in these pieces.
class FakeExchange final : public http::ServerExchange {
 public:
  FakeExchange(io::Executor& executor, std::deque<std::string> pieces)
      : executor_(executor), pieces_(std::move(pieces)) {}

  const http::RequestHead& request() const override { return head_; }
  http::Connection& connection() override { return connection_; }
  io::Executor& executor() override { return executor_; }
  bool request_ended() const override { return false; }
  io::Task<Result<void>> respond(http::ResponseHead, bool) override { co_return Result<void>(); }
  bool responded() const override { return false; }
  void stop_reading() override { stopped_ = true; }
  void on_abort(UniqueFunction<void()>) override {}
  void reset() override {}
  io::Task<Result<std::string>> read() override {
    ++reads;
    if (stopped_) {
      co_return Error(ErrorKind::Cancelled, "stopped");
    }
    if (pieces_.empty()) {
      co_return std::string();
    }
    std::string piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
  }
  const http::Headers& trailers() const override { return trailers_; }
  io::Task<Result<void>> write(std::string_view) override { co_return Result<void>(); }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }

  int reads = 0;

 private:
  io::Executor& executor_;
  std::deque<std::string> pieces_;
  http::RequestHead head_;
  http::Connection connection_;
  http::Headers trailers_;
  bool stopped_ = false;
};

io::Task<void> take(RequestBody::Attempt* attempt, std::size_t pieces, std::string* out) {
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto piece = co_await attempt->read();
    if (!piece.ok() || piece->empty()) {
      co_return;
    }
    *out += *piece;
  }
}

class RequestBodyTest : public ::testing::Test {
 protected:
  void start(std::deque<std::string> pieces) {
    exchange.emplace(loop, std::move(pieces));
    body.emplace(*exchange);
    tasks.spawn(body->run());
  }
  std::string read(RequestBody::Attempt& attempt, std::size_t pieces) {
    std::string out;
    loop.run_until_done(take(&attempt, pieces, &out));
    return out;
  }
  ~RequestBodyTest() override {
    body->stop();
    loop.run_until_done(tasks.join());
  }

  FakeClock clock;
  io::SimulatedLoop loop{clock};
  io::TaskGroup tasks{loop};
  std::optional<FakeExchange> exchange;
  std::optional<RequestBody> body;
};

TEST_F(RequestBodyTest, WhatWasKeptIsReadAgain) {
  const std::string half(RequestBody::kReplayLimit / 2, 'a');
  start({half, half});
  RequestBody::Attempt first(*body);
  EXPECT_EQ(read(first, 1), half);
  first.cancel();
  EXPECT_TRUE(body->replayable());
  RequestBody::Attempt second(*body);
  EXPECT_EQ(read(second, 100), half + half);
  EXPECT_TRUE(body->replayable()) << "64 KiB are kept";
}

TEST_F(RequestBodyTest, OneByteMoreIsNotKept) {
  const std::string most(RequestBody::kReplayLimit, 'a');
  start({most, "b", "c"});
  RequestBody::Attempt attempt(*body);
  EXPECT_EQ(read(attempt, 1), most);
  EXPECT_TRUE(body->replayable());
  EXPECT_EQ(read(attempt, 1), "b");
  EXPECT_FALSE(body->replayable());
  EXPECT_EQ(read(attempt, 100), "c");
  EXPECT_EQ(body->bytes(), most.size() + 2);
}

TEST_F(RequestBodyTest, NothingIsReadBeforeItIsAskedFor) {
  start({"a", "b"});
  loop.run_ready_now();
  EXPECT_EQ(exchange->reads, 0);
  RequestBody::Attempt attempt(*body);
  EXPECT_EQ(read(attempt, 1), "a");
  loop.run_ready_now();
  EXPECT_EQ(exchange->reads, 1);
}

}  // namespace
}  // namespace roadstead::stub
