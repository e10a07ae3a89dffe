// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_loop.h"

namespace roadstead::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

WorkKey key(std::string name, std::string group = "") {
  return {std::move(group), {"", std::move(name)}};
}

class WorkQueueTest : public testing::Test {
 protected:
  ControllerParts parts() { return {loop_, random_, metrics_, {}}; }

  // The next key, or "" when none can be had now.
  std::string take(WorkQueue& queue, bool done = true) {
    if (queue.depth() == 0) {
      return "";
    }
    std::optional<WorkKey> out;
    loop_.run_until_done(get(&queue, &out));
    if (!out.has_value()) {
      return "";
    }
    if (done) {
      queue.done(*out);
    }
    return out->to_string();
  }
  static io::Task<void> get(WorkQueue* queue, std::optional<WorkKey>* out) {
    *out = co_await queue->get();
  }
  bool rendered(const std::string& line) {
    return metrics_.render().find(line + "\n") != std::string::npos;
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SeededRandom random_{3};
  telemetry::MetricRegistry metrics_;
};

TEST_F(WorkQueueTest, HoldsEachKeyOnceHoweverOftenItIsAdded) {
  WorkQueue queue(parts(), "q");
  for (int i = 0; i < 1000; ++i) {
    queue.add(key(std::to_string(i % 3)));
  }
  EXPECT_EQ(queue.depth(), 3U);
  EXPECT_EQ(take(queue), "0");
  EXPECT_EQ(take(queue), "1");
  EXPECT_EQ(take(queue), "2");
  EXPECT_EQ(take(queue), "");
}

TEST_F(WorkQueueTest, AKeyThatIsWorkedOnWaitsUntilThatIsDone) {
  WorkQueue queue(parts(), "q");
  queue.add(key("a"));
  EXPECT_EQ(take(queue, false), "a");
  queue.add(key("a"));
  queue.add(key("a"));
  EXPECT_EQ(queue.depth(), 0U) << "nobody else may have it";
  queue.done(key("a"));
  EXPECT_EQ(queue.depth(), 1U);
  EXPECT_EQ(take(queue), "a");
  EXPECT_EQ(take(queue), "");
}

TEST_F(WorkQueueTest, GroupsTakeTurns) {
  WorkQueue queue(parts(), "q");
  for (int i = 0; i < 100; ++i) {
    queue.add(key(std::to_string(i), "noisy"));
  }
  queue.add(key("x", "quiet"));
  queue.add(key("y", "silent"));
  std::vector<std::string> order;
  for (int i = 0; i < 5; ++i) {
    order.push_back(take(queue));
  }
  EXPECT_THAT(order, ElementsAre("noisy 0", "quiet x", "silent y", "noisy 1", "noisy 2"));
}

TEST_F(WorkQueueTest, AGroupMayHaveSoManyWorkersAndNoMore) {
  WorkQueue queue(parts(), "q", {.retry = {}, .workers_per_group = 1});
  queue.add(key("1", "stuck"));
  queue.add(key("2", "stuck"));
  queue.add(key("x", "other"));
  EXPECT_EQ(take(queue, false), "other x");
  EXPECT_EQ(take(queue, false), "stuck 1");
  std::optional<WorkKey> next;
  io::TaskGroup group(loop_);
  group.spawn(get(&queue, &next));
  loop_.run_for(seconds(1));
  EXPECT_FALSE(next.has_value());
  queue.done(key("1", "stuck"));
  loop_.run_until_done(group.join());
  EXPECT_EQ(next->to_string(), "stuck 2");
}

TEST_F(WorkQueueTest, WhatIsUrgentGoesFirstAndTheRestIsNotStarved) {
  WorkQueue queue(parts(), "q");
  queue.add(key("slow"), Priority::Background);
  queue.add(key("raised"), Priority::Background);
  for (int i = 0; i < 20; ++i) {
    queue.add(key("u" + std::to_string(i)));
  }
  queue.add(key("raised"), Priority::Urgent);
  std::vector<std::string> order;
  while (queue.depth() > 0) {
    order.push_back(take(queue));
  }
  ASSERT_EQ(order.size(), 22U);
  EXPECT_EQ(order[7], "slow");
  EXPECT_EQ(order[21], "raised");
}

TEST_F(WorkQueueTest, FailuresWaitLongerEachTimeUntilForgotten) {
  WorkQueue queue(parts(), "q");
  std::vector<Duration> pauses;
  for (int i = 0; i < 4; ++i) {
    queue.add_rate_limited(key("a"));
    const MonotonicTime from = clock_.now();
    while (queue.depth() == 0) {
      loop_.run_for(milliseconds(1));
    }
    pauses.push_back(clock_.now() - from);
    take(queue);
  }
  EXPECT_THAT(pauses,
              ElementsAre(milliseconds(5), milliseconds(10), milliseconds(20), milliseconds(40)));
  EXPECT_EQ(queue.failures(key("a")), 4);
  queue.forget(key("a"));
  EXPECT_EQ(queue.failures(key("a")), 0);
}

TEST_F(WorkQueueTest, AllFailuresTogetherAreLimited) {
  WorkQueue queue(parts(), "q");
  for (int i = 0; i < 150; ++i) {
    queue.add_rate_limited(key(std::to_string(i)));
  }
  loop_.run_for(milliseconds(50));
  EXPECT_EQ(queue.depth(), 100U);  // the burst
  loop_.run_for(seconds(2));
  EXPECT_EQ(queue.depth(), 120U);  // ten a second
  EXPECT_EQ(queue.delayed(), 30U);
}

TEST_F(WorkQueueTest, TheEarliestDelayCounts) {
  WorkQueue queue(parts(), "q");
  queue.add_after(key("a"), seconds(5));
  queue.add_after(key("a"), seconds(1));
  queue.add_after(key("a"), seconds(9));
  loop_.run_for(milliseconds(1001));
  EXPECT_EQ(take(queue), "a");
  loop_.run_for(seconds(20));
  EXPECT_EQ(take(queue), "");
}

TEST_F(WorkQueueTest, MeasuresItself) {
  WorkQueue queue(parts(), "q");
  queue.add(key("a"));
  queue.add(key("b"));
  loop_.run_for(seconds(3));
  EXPECT_TRUE(rendered(R"(roadstead_workqueue_depth{queue="q"} 2)"));
  EXPECT_TRUE(rendered(R"(roadstead_workqueue_oldest_age_seconds{queue="q"} 3)"));
  take(queue);
  take(queue);
  loop_.run_for(seconds(2));
  EXPECT_TRUE(rendered(R"(roadstead_workqueue_oldest_age_seconds{queue="q"} 0)"));
  queue.add_rate_limited(key("a"));
  EXPECT_TRUE(rendered(R"(roadstead_workqueue_retries_total{queue="q"} 1)"));
  EXPECT_TRUE(rendered(R"(roadstead_workqueue_work_duration_seconds_count{queue="q"} 2)"));
}

TEST_F(WorkQueueTest, ShuttingDownWakesWhoWaits) {
  WorkQueue queue(parts(), "q");
  std::optional<WorkKey> out = key("nothing");
  io::TaskGroup group(loop_);
  group.spawn(get(&queue, &out));
  loop_.run_ready_now();
  queue.add_after(key("later"), seconds(1));
  queue.shut_down();
  loop_.run_until_done(group.join());
  EXPECT_FALSE(out.has_value());
  queue.add(key("a"));
  EXPECT_EQ(queue.depth(), 0U);
}

}  // namespace
}  // namespace roadstead::kube
