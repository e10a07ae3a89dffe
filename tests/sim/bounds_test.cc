// SPDX-License-Identifier: Apache-2.0
// What the Stub does when there is too much, with small limits.
#include <gtest/gtest.h>

#include <vector>

#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

io::Task<void> ask(World* world, std::string target, Answer* out) {
  *out = co_await world->request("GET", std::move(target), "", seconds(600));
}

int with_status(const std::vector<Answer>& answers, int status) {
  return static_cast<int>(std::count_if(answers.begin(), answers.end(),
                                        [status](const Answer& a) { return a.status == status; }));
}

stub::StubOptions with(const stub::FairLimits& limits) {
  stub::StubOptions options = World::default_options();
  options.fair = limits;
  return options;
}

TEST(Bounds, RequestsBeyondThePlacesWaitTheirTurn) {
  World world(1, with({.running = 2, .running_of_one = 2}));
  world.connect(0);
  world.loop().run_for(seconds(1));
  std::vector<Answer> answers(20);
  for (Answer& answer : answers) {
    world.tasks().spawn(ask(&world, "/api/v1/pods", &answer));
  }
  world.loop().run_for(seconds(5));
  EXPECT_EQ(with_status(answers, 200), 20);
}

TEST(Bounds, RequestsBeyondTheQueueGet429AndMayComeAgain) {
  World world(2, with({.running = 2, .running_of_one = 2, .waiting = 3, .waiting_of_one = 3}));
  world.connect(0);
  world.loop().run_for(seconds(1));
  std::vector<Answer> answers(20);
  for (Answer& answer : answers) {
    world.tasks().spawn(ask(&world, "/api/v1/pods", &answer));
  }
  world.loop().run_for(seconds(5));
  EXPECT_EQ(with_status(answers, 200), 5);
  EXPECT_EQ(with_status(answers, 429), 15);
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.retry_after, answer.status == 429);
    if (answer.status == 429) {
      EXPECT_NE(answer.body.find("\"reason\":\"TooManyRequests\""), std::string::npos);
    }
  }
  // The refused ones were never sent.
  EXPECT_EQ(world.api_server().carried_out().at("/api/v1/pods"), 5);
}

TEST(Bounds, WatchesAreBoundedAndLeaveRoomForReads) {
  World world(3, with({.running = 1, .lasting_of_one = 3}));
  world.connect(0);
  world.loop().run_for(seconds(1));
  std::vector<Answer> watches(5);
  for (Answer& answer : watches) {
    world.tasks().spawn(ask(&world, "/api/v1/pods?watch=1", &answer));
  }
  world.loop().run_for(seconds(2));
  EXPECT_EQ(with_status(watches, 429), 2);
  world.kill(0);
  world.loop().run_for(seconds(2));
  EXPECT_EQ(with_status(watches, 200), 3);
}

TEST(Bounds, AClusterThatNobodyUsesIsForgotten) {
  World world(4);
  Answer answer;
  world.loop().run_until_done(ask(&world, "/api/v1/pods", &answer));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(world.stubs().tunnels(), 0U) << "a request to a cluster without lanes leaves nothing";
  world.connect(0);
  world.loop().run_for(seconds(1));
  EXPECT_EQ(world.stubs().tunnels(), 1U);
  world.kill(0);
  world.loop().run_for(seconds(1));
  EXPECT_EQ(world.stubs().tunnels(), 0U);
}

TEST(Bounds, LanesBeyondTheLimitAreClosed) {
  stub::StubOptions options = World::default_options();
  options.max_lanes_per_cluster = 2;
  World world(5, options);
  for (std::size_t i = 0; i < 3; ++i) {
    world.connect(i);
  }
  world.loop().run_for(seconds(1));
  EXPECT_TRUE(world.connected(0));
  EXPECT_TRUE(world.connected(1));
  EXPECT_FALSE(world.connected(2));
  world.kill(0);
  world.loop().run_for(seconds(1));
  world.connect(3);
  world.loop().run_for(seconds(1));
  EXPECT_TRUE(world.connected(3));
}

}  // namespace
}  // namespace roadstead::sim
