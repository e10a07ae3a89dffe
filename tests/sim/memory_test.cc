// SPDX-License-Identifier: Apache-2.0
// What an idle lane and an idle watch hold at hub and Agent, in bytes of the heap. A lane's TLS is
// counted in net/tls_transfer_test.cc, the Agent's stream to the API server in
// http/h2_memory_test.cc.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/allocation_test_support.h"
#include "http/h2_test_support.h"
#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kLanes = 20;
constexpr std::size_t kWatches = 200;
constexpr std::size_t kFrameBuffers = 2 * 21 * kKiB;  // of a session's ends; a sanitizer sees them

void expect_at_most(const char* what, std::size_t bytes, std::size_t limit) {
  std::printf("%s: %zu bytes\n", what, bytes);
  testing::Test::RecordProperty(what, std::to_string(bytes));
  EXPECT_LE(bytes, limit) << what;
}

// A user's connection over HTTP/2, served by `handler`, with watches that nobody reads.
class User {
 public:
  User(World& world, http::Handler& handler) : world_(world), group_(world.loop()) {
    auto [user, hub] = net::make_pipe(world.loop());
    http::H2Options options;
    options.max_concurrent_streams = 1000;
    server_ =
        http::H2Session::create(std::move(hub), http::H2Session::Role::Server, options, &handler);
    client_ = http::H2Session::create(std::move(user), http::H2Session::Role::Client, {}, nullptr);
    group_.spawn(http::run_session(server_.get(), &server_result_));
    group_.spawn(http::run_session(client_.get(), &client_result_));
    world.loop().run_ready_now();
  }
  ~User() {
    watches_.clear();
    client_->close();
    server_->close();
    world_.loop().run_until_done(group_.join());
  }
  void watch(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto opened = client_->open(http::get("/api/v1/pods?watch=1"), true);
      ASSERT_TRUE(opened.ok()) << opened.error().to_string();
      watches_.push_back(std::move(*opened));
      answers_.emplace_back();
      world_.tasks().spawn(take_answer(watches_.back().get(), answers_.size() - 1));
    }
    // Longer than the API server takes to answer, shorter than to its first event.
    world_.loop().run_for(milliseconds(100));
    for (const int status : answers_) {
      ASSERT_EQ(status, 200);
    }
  }
  // Of one watch when there are many; without what is made once, or kept by malloc for the thread.
  std::size_t bytes_of_one() {
    watch(kWatches);
    watches_.reserve(2 * kWatches);
    answers_.reserve(2 * kWatches);
    const std::size_t before = test::bytes_in_use();
    watch(kWatches);
    return (test::bytes_in_use() - before) / kWatches;
  }

 private:
  io::Task<void> take_answer(http::ClientExchange* exchange, std::size_t index) {
    const auto response = co_await exchange->response();
    answers_[index] = response.ok() ? response->status : -1;
  }

  World& world_;
  io::TaskGroup group_;
  std::unique_ptr<http::H2Session> server_;
  std::unique_ptr<http::H2Session> client_;
  std::optional<Result<void>> server_result_;
  std::optional<Result<void>> client_result_;
  std::vector<http::ClientExchangePtr> watches_;
  std::vector<int> answers_;
};

io::Task<void> answer_and_wait(http::ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond({.status = 200, .headers = {}}));
  io::Event gone(exchange.executor());
  const auto left = [&gone] { gone.set(); };
  exchange.on_abort(left);
  co_await gone.wait();
}

TEST(Memory, AnIdleLaneIsSmallAtHubAndAgentTogether) {
  World world(1);
  std::size_t before = 0;
  // The first ones fill what malloc keeps for the thread.
  for (const std::size_t first : {std::size_t{0}, kLanes}) {
    before = test::bytes_in_use();
    for (std::size_t i = first; i < first + kLanes; ++i) {
      world.connect(i);
    }
    world.loop().run_for(seconds(1));
  }
  const std::size_t each = (test::bytes_in_use() - before) / kLanes;
  for (std::size_t i = 0; i < 2 * kLanes; ++i) {
    ASSERT_TRUE(world.connected(i));
  }
  expect_at_most("an idle lane", each, 44 * kKiB + (test::kSanitized ? kFrameBuffers : 0));
}

TEST(Memory, AnIdleWatchIsSmallAtHubAndAgentTogether) {
  World world(2);
  world.connect(0);
  world.loop().run_for(seconds(1));
  // The user's end is half of a pair that has nothing between.
  http::FunctionHandler silent(answer_and_wait);
  const std::size_t pair = User(world, silent).bytes_of_one();
  const auto port = world.user_port();
  const std::size_t all = User(world, *port).bytes_of_one();
  expect_at_most("an idle watch", all - pair / 2, 8 * kKiB);
}

}  // namespace
}  // namespace roadstead::sim
