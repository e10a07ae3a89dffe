// SPDX-License-Identifier: Apache-2.0
// What must hold whatever breaks when: seeded worlds with random faults. A failing seed is a test
// case: it repeats exactly.
#include <gtest/gtest.h>

#include <optional>

#include "io/sleep.h"
#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

io::Task<void> ask(World* world, std::string method, std::string target, std::string body,
                   Answer* out, Duration patience = seconds(30)) {
  *out = co_await world->request(std::move(method), std::move(target), std::move(body), patience);
}

TEST(Simulation, ARequestGoesThroughWithItsIdentity) {
  World world(1);
  world.connect(0);
  world.loop().run_for(seconds(1));
  Answer answer;
  world.loop().run_until_done(ask(&world, "POST", "/api/v1/namespaces/a/pods", "hello", &answer));
  EXPECT_EQ(answer.status, 200) << answer.error;
  EXPECT_EQ(answer.body, "{\"echo\":\"hello\"}");
  const http::Headers& seen = world.api_server().last_headers();
  EXPECT_EQ(*seen.find("impersonate-user"), "rs:ann:00000000");
  ASSERT_EQ(world.records().size(), 1U);
  EXPECT_EQ(*seen.find("audit-id"), world.records().front().audit_id);
  EXPECT_EQ(world.records().front().verb, "create");
}

TEST(Simulation, AWriteKeepsItsBodyWhenTheAgentHasForgottenWhoAsks) {
  // Up to 64 KiB are kept to be sent again; 1 MiB is more than that.
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{60'000}}) {
    World world(8);
    world.connect(0);
    world.loop().run_for(seconds(1));
    Answer answer;
    world.loop().run_until_done(ask(&world, "GET", "/api/v1/pods", "", &answer));
    ASSERT_EQ(answer.status, 200) << answer.error;
    world.forget_identities();
    const std::string body(size, 'b');
    world.loop().run_until_done(ask(&world, "POST", "/api/v1/namespaces/a/pods", body, &answer));
    EXPECT_EQ(answer.status, 200) << answer.error << answer.body;
    EXPECT_EQ(answer.body, "{\"echo\":\"" + body + "\"}");
    EXPECT_EQ(world.records().back().attempts, 2);
    EXPECT_EQ(world.api_server().carried_out().at("/api/v1/namespaces/a/pods"), 1);
  }
}

TEST(Simulation, AWriteTooLongToBeKeptIsNotSentInPieces) {
  World world(9);
  world.connect(0);
  world.loop().run_for(seconds(1));
  Answer answer;
  world.loop().run_until_done(ask(&world, "GET", "/api/v1/pods", "", &answer));
  world.forget_identities();
  const std::string body(1 << 20, 'b');
  world.loop().run_until_done(ask(&world, "POST", "/api/v1/namespaces/a/pods", body, &answer));
  if (answer.status == 200) {
    EXPECT_EQ(answer.body, "{\"echo\":\"" + body + "\"}");
  } else {
    EXPECT_EQ(answer.status, 503) << answer.error << answer.body;
    EXPECT_FALSE(world.api_server().carried_out().contains("/api/v1/namespaces/a/pods"));
  }
}

TEST(Simulation, AnOfflineClusterFailsAtOnceWithoutRetryAfter) {
  World world(2);
  Answer answer;
  const MonotonicTime start = world.clock().now();
  world.loop().run_until_done(ask(&world, "GET", "/api/v1/pods", "", &answer));
  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(answer.retry_after);
  EXPECT_EQ(world.clock().now(), start);
}

TEST(Simulation, ALaneOfAnotherApiServerGetsNoRequest) {
  World world(11);
  world.connect(0, "ca-of-another-cluster");
  world.loop().run_for(seconds(1));
  EXPECT_EQ(world.refused_lanes(), 1);
  Answer answer;
  world.loop().run_until_done(ask(&world, "GET", "/api/v1/pods", "", &answer));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(world.api_server().carried_out().empty());
  world.connect(1, "ca-of-the-cluster");
  world.loop().run_for(seconds(5));
  EXPECT_FALSE(world.connected(0)) << "the refused one was closed";
  world.loop().run_until_done(ask(&world, "GET", "/api/v1/pods", "", &answer));
  EXPECT_EQ(answer.status, 200) << answer.error;
}

TEST(Simulation, AReadOutlivesItsLane) {
  World world(3);
  world.api_server().set_delay(seconds(2));
  world.connect(0);
  world.connect(1);
  world.loop().run_for(seconds(1));
  std::vector<Answer> answers(20);
  for (Answer& answer : answers) {
    world.tasks().spawn(ask(&world, "GET", "/api/v1/pods", "", &answer));
  }
  world.loop().run_for(milliseconds(200));
  world.kill(0);
  world.loop().run_for(seconds(30));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.status, 200) << answer.error;
    EXPECT_TRUE(answer.ok);
  }
}

TEST(Simulation, AWriteWhoseAnswerIsLostIsNotSentAgain) {
  World world(4);
  world.api_server().set_delay(seconds(2));
  world.connect(0);
  world.connect(1);
  world.loop().run_for(seconds(1));
  std::vector<Answer> answers(20);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    world.tasks().spawn(
        ask(&world, "POST", "/api/v1/namespaces/" + std::to_string(i), "x", &answers[i]));
  }
  world.loop().run_for(milliseconds(200));
  world.kill(0);
  world.loop().run_for(seconds(30));
  int ambiguous = 0;
  for (const Answer& answer : answers) {
    ambiguous += answer.status == 504 ? 1 : 0;
    EXPECT_TRUE(answer.status == 200 || answer.status == 504) << answer.status;
    EXPECT_FALSE(answer.retry_after);
  }
  EXPECT_GT(ambiguous, 0) << "the fault hit nothing";
  for (const auto& [target, times] : world.api_server().carried_out()) {
    EXPECT_EQ(times, 1) << target;
  }
}

TEST(Simulation, AWatchEndsBetweenObjectsWhenItsLaneDies) {
  for (int offset = 0; offset < 1000; offset += 130) {
    World world(5);
    world.connect(0);
    world.loop().run_for(seconds(1));
    Answer answer;
    world.tasks().spawn(ask(&world, "GET", "/api/v1/pods?watch=1", "", &answer, seconds(600)));
    world.loop().run_for(seconds(5) + milliseconds(offset));
    world.kill(0);
    world.loop().run_for(seconds(20));
    EXPECT_TRUE(answer.ok) << answer.error;
    ASSERT_FALSE(answer.body.empty());
    EXPECT_EQ(answer.body.back(), '\n') << answer.body;
  }
}

TEST(Simulation, IdentitiesAreRenewedWhileAWatchRuns) {
  World world(6);
  world.connect(0);
  world.loop().run_for(seconds(1));
  Answer answer;
  world.tasks().spawn(ask(&world, "GET", "/api/v1/pods?watch=1", "", &answer, seconds(100'000)));
  world.loop().run_for(seconds(600));
  EXPECT_FALSE(answer.ok) << "the watch ended: " << answer.body.size();
  world.kill(0);
  world.loop().run_for(seconds(20));
  EXPECT_GT(std::count(answer.body.begin(), answer.body.end(), '\n'), 550);
}

TEST(Simulation, RevocationEndsARunningWatch) {
  World world(7);
  world.connect(0);
  world.loop().run_for(seconds(1));
  Answer answer;
  world.tasks().spawn(ask(&world, "GET", "/api/v1/pods?watch=1", "", &answer, seconds(600)));
  world.loop().run_for(seconds(5));
  EXPECT_TRUE(answer.error.empty());
  world.revoke();
  world.loop().run_for(seconds(1));
  EXPECT_FALSE(answer.ok);
  EXPECT_FALSE(answer.error.empty()) << "the watch goes on";
}

struct Tally {
  int reads = 0;
  int writes = 0;
  std::vector<std::string> bad;
};

io::Task<void> one_user(World* world, int number, Tally* tally) {
  for (int i = 0; i < 25; ++i) {
    co_await io::sleep_for(world->loop(), milliseconds(world->random().below(400)));
    const bool write = world->random().below(2) == 0;
    const std::string target =
        "/api/v1/namespaces/u" + std::to_string(number) + "-" + std::to_string(i);
    const Answer answer =
        co_await world->request(write ? "POST" : "GET", target, write ? "x" : "", seconds(60));
    ++(write ? tally->writes : tally->reads);
    const bool fine = write ? (answer.status == 200 || answer.status == 504) : answer.status == 200;
    if (!fine) {
      tally->bad.push_back(target + ": " + std::to_string(answer.status) + " " + answer.error +
                           " " + answer.body);
    }
  }
}

// Kills and connects Agents at random, one at a time, and always leaves one that is up.
io::Task<void> faults(World* world, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    co_await io::sleep_for(world->loop(), milliseconds(200 + world->random().below(1500)));
    const std::size_t victim = world->random().below(2);
    if (world->connected(0) && world->connected(1)) {
      world->kill(victim);
      co_await io::sleep_for(world->loop(), milliseconds(world->random().below(800)));
      world->connect(victim);
    }
  }
}

class Seeds : public ::testing::TestWithParam<int> {};

TEST_P(Seeds, NoReadFailsAndNoWriteIsDoubledWhileAgentsDie) {
  World world(static_cast<std::uint64_t>(GetParam()));
  world.api_server().set_delay(milliseconds(300));
  world.connect(0);
  world.connect(1);
  world.loop().run_for(seconds(1));
  Tally tally;
  for (int user = 0; user < 8; ++user) {
    world.tasks().spawn(one_user(&world, user, &tally));
  }
  world.tasks().spawn(faults(&world, 12));
  world.loop().run_for(seconds(120));
  EXPECT_EQ(tally.reads + tally.writes, 8 * 25);
  for (const std::string& bad : tally.bad) {
    ADD_FAILURE() << bad;
  }
  for (const auto& [target, times] : world.api_server().carried_out()) {
    EXPECT_LE(times, 2) << target;
  }
  for (const audit::RequestRecord& record : world.records()) {
    if (record.method == "POST") {
      const auto it = world.api_server().carried_out().find(record.path);
      EXPECT_TRUE(it == world.api_server().carried_out().end() || it->second == 1) << record.path;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, Seeds, ::testing::Range(100, 140));

}  // namespace
}  // namespace roadstead::sim
