// SPDX-License-Identifier: Apache-2.0
// Requests for a cluster whose lanes are expected to come back wait for them, for a while.
#include <gtest/gtest.h>

#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::seconds;

stub::StubOptions expecting() {
  stub::StubOptions options = World::default_options();
  options.expect_after_start = seconds(10);
  options.expect_after_loss = seconds(5);
  return options;
}

class ExpectedLane : public testing::Test {
 protected:
  // One request, answered or not after `time`.
  void ask_for(Duration time) {
    group_.spawn(ask("/api/v1/pods"));
    world_.loop().run_for(time);
  }
  ~ExpectedLane() override { world_.loop().run_until_done(group_.join()); }

  io::Task<void> ask(std::string target, Duration patience = seconds(60)) {
    answer_ = co_await world_.request("GET", std::move(target), "", patience);
  }

  io::Task<void> watch_until_lost(Answer* out) {
    *out = co_await world_.request("GET", "/api/v1/pods?watch=1", "", seconds(600));
  }

  World world_{31, expecting()};
  Answer answer_;
  io::TaskGroup group_{world_.loop()};
};

TEST_F(ExpectedLane, ComesAfterTheHubHasStarted) {
  ask_for(seconds(3));
  EXPECT_EQ(answer_.status, 0);
  world_.connect(0);
  world_.loop().run_for(seconds(1));
  EXPECT_EQ(answer_.status, 200) << answer_.error;
}

TEST_F(ExpectedLane, IsNotExpectedForEver) {
  ask_for(seconds(9));
  EXPECT_EQ(answer_.status, 0);
  world_.loop().run_for(seconds(2));
  EXPECT_EQ(answer_.status, 503) << answer_.error;
  answer_ = {};
  ask_for(seconds(0));
  EXPECT_EQ(answer_.status, 503) << "an offline cluster is told at once";
}

TEST_F(ExpectedLane, ComesBackAfterALoss) {
  world_.connect(0);
  world_.loop().run_for(std::chrono::minutes(1));
  world_.kill(0);
  world_.loop().run_for(seconds(2));
  ask_for(seconds(2));
  EXPECT_EQ(answer_.status, 0);
  world_.connect(0);
  world_.loop().run_for(seconds(1));
  EXPECT_EQ(answer_.status, 200) << answer_.error;
}

TEST_F(ExpectedLane, ThatWasLostIsExpectedForFiveSeconds) {
  world_.connect(0);
  world_.loop().run_for(std::chrono::minutes(1));
  world_.kill(0);
  ask_for(seconds(4));
  EXPECT_EQ(answer_.status, 0);
  world_.loop().run_for(seconds(2));
  EXPECT_EQ(answer_.status, 503) << answer_.error;
  EXPECT_EQ(world_.stubs().tunnels(), 0U);
}

TEST_F(ExpectedLane, ThatWasDrainedAndThenLostIsNotExpectedForEver) {
  world_.connect(0);
  world_.loop().run_for(std::chrono::minutes(1));
  Answer watch;
  group_.spawn(watch_until_lost(&watch));
  world_.loop().run_for(seconds(2));
  world_.stubs().drain();
  ask_for(seconds(2));
  EXPECT_EQ(answer_.status, 0);
  world_.kill(0);
  world_.loop().run_for(seconds(20));
  EXPECT_EQ(answer_.status, 503) << answer_.error;
}

TEST_F(ExpectedLane, OfARemovedClusterIsNotExpected) {
  ask_for(seconds(1));
  world_.stubs().remove_cluster("ack");
  world_.loop().run_for(seconds(0));
  EXPECT_EQ(answer_.status, 503) << answer_.error;
}

TEST_F(ExpectedLane, IsOfNoUseToAWatchWhenTheHubDrains) {
  world_.connect(0);
  group_.spawn(ask("/api/v1/pods?watch=1"));
  world_.loop().run_for(seconds(3));
  EXPECT_EQ(answer_.status, 0);
  world_.stubs().end_watches();
  world_.loop().run_for(seconds(0));
  EXPECT_EQ(answer_.status, 200);
  EXPECT_TRUE(answer_.ok) << "it ended, and was not cut: " << answer_.error;
  EXPECT_TRUE(answer_.body.ends_with("\n"));
}

TEST_F(ExpectedLane, IsNotAwaitedByWhoHasLeft) {
  group_.spawn(ask("/api/v1/pods", seconds(1)));
  world_.loop().run_for(seconds(2));
  EXPECT_EQ(world_.records().size(), 1U);
  EXPECT_FALSE(answer_.ok);
}

TEST_F(ExpectedLane, OfAHubThatEndsIsNotExpected) {
  ask_for(seconds(1));
  world_.stubs().drain();
  world_.loop().run_for(seconds(0));
  EXPECT_EQ(answer_.status, 503) << answer_.error;
}

}  // namespace
}  // namespace roadstead::sim
