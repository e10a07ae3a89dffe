// SPDX-License-Identifier: Apache-2.0
// A lane that dies between the head of an answer and its body.
#include <gtest/gtest.h>

#include <vector>

#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

io::Task<void> ask(World* world, std::string method, std::string target, Answer* out) {
  std::string body = method == "POST" ? "x" : "";
  *out = co_await world->request(std::move(method), std::move(target), std::move(body));
}

// Twenty requests, each to a target of its own, of which those of one Agent lose their lane.
std::vector<Answer> answers_across_a_kill(World& world, const std::string& method) {
  world.api_server().set_delay(milliseconds(1));
  world.api_server().set_pause_before_body(seconds(2));
  world.connect(0);
  world.connect(1);
  world.loop().run_for(seconds(1));
  std::vector<Answer> answers(20);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string target = "/api/v1/namespaces/a/configmaps/c" + std::to_string(i);
    world.tasks().spawn(ask(&world, method, target, &answers[i]));
  }
  world.loop().run_for(seconds(1));
  world.kill(0);
  world.loop().run_for(seconds(30));
  return answers;
}

TEST(LostBody, AReadIsAnsweredByAnotherLane) {
  World world(21);
  for (const Answer& answer : answers_across_a_kill(world, "GET")) {
    EXPECT_EQ(answer.status, 200) << answer.error;
    EXPECT_TRUE(answer.ok) << answer.error;
  }
}

TEST(LostBody, AWriteIsNotRepeatedAndItsUserIsTold) {
  World world(22);
  int told = 0;
  for (const Answer& answer : answers_across_a_kill(world, "POST")) {
    EXPECT_TRUE(answer.ok) << answer.error;
    EXPECT_TRUE(answer.status == 200 || answer.status == 504) << answer.status;
    if (answer.status == 504) {
      ++told;
      EXPECT_NE(answer.body.find("the change may have been made"), std::string::npos);
    }
  }
  EXPECT_GT(told, 0) << "the fault hit nothing";
  for (const auto& [target, times] : world.api_server().carried_out()) {
    EXPECT_EQ(times, 1) << target;
  }
}

}  // namespace
}  // namespace roadstead::sim
