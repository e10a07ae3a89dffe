// SPDX-License-Identifier: Apache-2.0
// What ends a watch that goes through a lane.
#include "agent/lane_test_support.h"

namespace roadstead::agent {
namespace {

class WatchTest : public LaneTest {
 protected:
  io::Task<void> watch() {
    auto opened = hub_.lanes.front()->session().open(
        request("GET", "/api/v1/pods?watch=true&resourceVersion=1"), true);
    CHECK(opened.ok(), "open");
    auto response = co_await (*opened)->response();
    started_ = response.ok() && response->status == 200;
    for (;;) {
      auto chunk = co_await (*opened)->read();
      if (!chunk.ok() || chunk->empty()) {
        break;
      }
      received_ += *chunk;
    }
    over_ = true;
  }
  static io::Task<void> one_event_then_silence(http::ServerExchange& exchange) {
    if ((co_await exchange.respond({.status = 200, .headers = {}})).ok()) {
      static_cast<void>(co_await exchange.write("{\"type\":\"ADDED\"}\n"));
      static_cast<void>(co_await exchange.read());
      // Ends when the Agent hangs up.
      io::Event aborted(exchange.executor());
      const http::AbortHook hook(exchange, [&aborted] { aborted.set(); });
      co_await aborted.wait();
    }
  }
  void start() {
    be("ann");
    api_ = one_event_then_silence;
    watching_.spawn(watch());
    world_.settle();
    ASSERT_TRUE(started_);
    ASSERT_EQ(received_, "{\"type\":\"ADDED\"}\n");
    ASSERT_FALSE(over_);
  }
  void TearDown() override { world_.loop.run_until_done(watching_.join()); }

  io::TaskGroup watching_{world_.loop};
  bool started_ = false;
  bool over_ = false;
  std::string received_;
};

TEST_F(WatchTest, EndsWhenTheIdentityIsRevoked) {
  start();
  hub_.lanes[0]->send({{"type", "revoke"}, {"ids", {static_cast<std::int64_t>(number_)}}});
  EXPECT_TRUE(over_);
  EXPECT_EQ(send(request("GET", "/api")).header("rs-error"), tunnel::kErrorUnknownIdentity);
}

TEST_F(WatchTest, EndsWhenTheIdentityIsNotRenewed) {
  start();
  for (int i = 0; i < 64; ++i) {
    world_.run_for(std::chrono::seconds(1));
    lane_->tick();
  }
  world_.settle();
  EXPECT_FALSE(over_);
  world_.run_for(std::chrono::seconds(2));
  lane_->tick();
  world_.settle();
  EXPECT_TRUE(over_);
}

TEST_F(WatchTest, EndsWhenTheAgentDrains) {
  start();
  forwarder_.end_watches();
  world_.settle();
  EXPECT_TRUE(over_);
  EXPECT_EQ(api_server_.server.open(), 0U);
}

TEST_F(WatchTest, EndsUpstreamWhenTheUserLeaves) {
  start();
  hub_.lanes[0]->session().close();
  world_.settle();
  EXPECT_TRUE(over_);
  EXPECT_EQ(api_server_.server.open(), 0U);
}

}  // namespace
}  // namespace roadstead::agent
