// SPDX-License-Identifier: Apache-2.0
#include "http/h2_window.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "http/h2_buffer.h"
#include "http/h2_ping.h"

namespace roadstead::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kInitial = 256 * 1024;
constexpr std::uint32_t kMax = 16 * 1024 * 1024;
constexpr Duration kRoundTrip = milliseconds(50);

TEST(WindowTuner, GrowsToEightTimesWhatThePathHolds) {
  FakeClock clock;
  WindowTuner tuner(kInitial, kMax, nullptr);
  tuner.on_consumed(kInitial / 2, clock, kRoundTrip);
  clock.advance(kRoundTrip);
  EXPECT_EQ(tuner.on_consumed(kInitial / 2, clock, kRoundTrip), 8 * kInitial);
  tuner.on_consumed(4 * kInitial, clock, kRoundTrip);
  clock.advance(2 * kRoundTrip);
  EXPECT_EQ(tuner.on_consumed(4 * kInitial, clock, kRoundTrip), 32 * kInitial);
  tuner.on_consumed(16 * kInitial, clock, kRoundTrip);
  clock.advance(kRoundTrip);
  EXPECT_EQ(tuner.on_consumed(16 * kInitial, clock, kRoundTrip), kMax);
}

// What arrives at once after a loss does not say how fast the path is.
TEST(WindowTuner, ABurstGrowsItNoMoreThanEightfold) {
  FakeClock clock;
  WindowTuner tuner(kInitial, kMax, nullptr);
  EXPECT_EQ(tuner.on_consumed(kInitial, clock, kRoundTrip), 8 * kInitial);
}

TEST(WindowTuner, SlowPathsAndReadersKeepTheSmallWindow) {
  FakeClock clock;
  WindowTuner tuner(kInitial, kMax, nullptr);
  for (int i = 0; i < 100; ++i) {
    tuner.on_consumed(kInitial / 2, clock, kRoundTrip);
    clock.advance((WindowTuner::kPatience + 1) * kRoundTrip);
  }
  EXPECT_EQ(tuner.window(), kInitial);
}

// Over a path that loses packets a window takes more than two round trips although it is too small.
TEST(WindowTuner, GrowsWhereLossesHoldArrivalsUp) {
  FakeClock clock;
  WindowTuner tuner(kInitial, kMax, nullptr);
  tuner.on_consumed(kInitial / 2, clock, kRoundTrip);
  clock.advance(3 * kRoundTrip);
  EXPECT_EQ(tuner.on_consumed(kInitial / 2, clock, kRoundTrip), 8 * kInitial / 3);
}

TEST(WindowTuner, NothingGrowsBeforeARoundTripIsKnown) {
  FakeClock clock;
  WindowTuner tuner(kInitial, kMax, nullptr);
  for (int i = 0; i < 10; ++i) {
    tuner.on_consumed(kInitial / 2, clock, Duration::zero());
    clock.advance(milliseconds(1));
  }
  EXPECT_EQ(tuner.window(), kInitial);
}

TEST(WindowTuner, BudgetBoundsTheSumAndComesBack) {
  FakeClock clock;
  BufferBudget budget(kInitial * 8);
  {
    WindowTuner first(kInitial, kMax, &budget);
    WindowTuner second(kInitial, kMax, &budget);
    WindowTuner third(kInitial, kMax, &budget);
    WindowTuner fourth(kInitial, kMax, &budget);
    EXPECT_EQ(first.on_consumed(kInitial, clock, kRoundTrip), 4 * kInitial) << "half of the budget";
    EXPECT_EQ(second.on_consumed(kInitial, clock, kRoundTrip), 4 * kInitial);
    EXPECT_FALSE(budget.tight());
    EXPECT_EQ(third.on_consumed(kInitial, clock, kRoundTrip), 2 * kInitial) << "what was left";
    EXPECT_TRUE(budget.tight());
    EXPECT_EQ(fourth.on_consumed(kInitial, clock, kRoundTrip), kInitial);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(WindowTuner, ShrinksWhileTheBudgetIsTight) {
  FakeClock clock;
  BufferBudget budget(kInitial * 8);
  WindowTuner tuner(kInitial, kMax, &budget);
  ASSERT_EQ(tuner.on_consumed(kInitial, clock, kRoundTrip), 4 * kInitial);
  budget.hold(kInitial * 8);
  ASSERT_TRUE(budget.tight());
  EXPECT_EQ(tuner.on_consumed(4 * kInitial, clock, kRoundTrip), 2 * kInitial);
  EXPECT_EQ(budget.used(), 9 * kInitial);
  EXPECT_EQ(tuner.on_consumed(2 * kInitial, clock, kRoundTrip), kInitial);
  EXPECT_EQ(tuner.on_consumed(kInitial, clock, kRoundTrip), kInitial);
}

TEST(PingTracker, FloorForgetsOldPaths) {
  PingTracker pings;
  MonotonicTime now;
  const auto measure = [&pings, &now](Duration d) {
    const auto number = pings.start(now);
    now = now + d;
    EXPECT_FALSE(pings.answered(number + 1, now));
    EXPECT_TRUE(pings.answered(number, now));
    EXPECT_FALSE(pings.answered(number, now));
  };
  EXPECT_EQ(pings.floor(), Duration::zero());
  measure(milliseconds(10));
  measure(milliseconds(80));
  EXPECT_EQ(pings.last(), milliseconds(80));
  EXPECT_EQ(pings.floor(), milliseconds(10));
  now = now + seconds(70);
  measure(milliseconds(80));
  EXPECT_EQ(pings.floor(), milliseconds(10));
  now = now + seconds(70);
  measure(milliseconds(80));
  EXPECT_EQ(pings.floor(), milliseconds(80));
}

std::string taken(SendQueue& queue, std::size_t count) {
  std::string out(count, '\0');
  queue.take(std::as_writable_bytes(std::span(out)).data(), count);
  return out;
}

TEST(SendQueue, CopiedBytesGoBeforeBorrowed) {
  SendQueue queue;
  const std::string large = "borrowed";
  queue.copy("one");
  queue.copy("two");
  queue.borrow(large);
  EXPECT_EQ(queue.size(), 14U);
  EXPECT_EQ(taken(queue, 4), "onet");
  EXPECT_EQ(taken(queue, 5), "wobor");
  EXPECT_TRUE(queue.borrowing());
  EXPECT_EQ(taken(queue, 5), "rowed");
  EXPECT_FALSE(queue.borrowing());
  EXPECT_TRUE(queue.empty());
  queue.copy("again");
  EXPECT_EQ(taken(queue, 5), "again");
}

TEST(ReceiveQueue, PiecesStayBelowTheLimitAndInOrder) {
  ReceiveQueue queue;
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const std::string bytes(10'000, static_cast<char>('a' + i % 26));
    all += bytes;
    queue.add(bytes);
  }
  EXPECT_EQ(queue.size(), all.size());
  std::string got;
  while (!queue.empty()) {
    const std::string piece = queue.take();
    EXPECT_LE(piece.size(), ReceiveQueue::kPiece);
    got += piece;
  }
  EXPECT_EQ(got, all);
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace roadstead::http
