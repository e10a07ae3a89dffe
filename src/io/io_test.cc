// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "io/blocking_pool.h"
#include "io/channel.h"
#include "io/fd_watcher.h"
#include "io/quota.h"
#include "io/shard.h"
#include "io/simulated_loop.h"
#include "io/sleep.h"

namespace roadstead::io {
namespace {

using std::chrono::seconds;

Task<int> add(int a, int b) { co_return a + b; }

Task<void> sum_deep(int depth, long* out) {
  if (depth > 0) {
    *out += co_await add(depth, 0);
    co_await sum_deep(depth - 1, out);
  }
}

TEST(Task, DeepChainsReturn) {
  FakeClock clock;
  SimulatedLoop loop(clock);
  long sum = 0;
  loop.run_until_done(sum_deep(1000, &sum));
  EXPECT_EQ(sum, 500500);
}

Task<void> record_after(Executor& executor, Duration d, std::vector<int>* out, int value) {
  co_await sleep_for(executor, d);
  out->push_back(value);
}

TEST(Timer, FiresInOrderOfTime) {
  FakeClock clock;
  SimulatedLoop loop(clock);
  std::vector<int> seen;
  TaskGroup group(loop);
  group.spawn(record_after(loop, seconds(3), &seen, 3));
  group.spawn(record_after(loop, seconds(1), &seen, 1));
  group.spawn(record_after(loop, seconds(2), &seen, 2));
  loop.run_for(seconds(2));
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  loop.run_until_done(group.join());
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

Task<void> stoppable(StoppableSleep& sleep, Duration d, std::vector<bool>* out) {
  out->push_back(co_await sleep.sleep(d));
}

TEST(StoppableSleep, StopEndsItAndOthersKeepTheirTime) {
  FakeClock clock;
  SimulatedLoop loop(clock);
  StoppableSleep sleep(loop);
  std::vector<bool> out;
  TaskGroup group(loop);
  group.spawn(stoppable(sleep, seconds(1), &out));
  group.spawn(stoppable(sleep, seconds(10), &out));
  loop.run_for(seconds(5));
  EXPECT_EQ(out, std::vector<bool>{true});
  sleep.stop();
  loop.run_ready_now();
  EXPECT_EQ(out, (std::vector<bool>{true, false}));
}

Task<void> produce(Channel<int>& channel, int count) {
  for (int i = 0; i < count; ++i) {
    co_await channel.send(i);
  }
  channel.close();
}

Task<void> consume(Channel<int>& channel, std::vector<int>* out, std::size_t* most) {
  while (auto v = co_await channel.receive()) {
    *most = std::max(*most, channel.size());
    out->push_back(*v);
  }
}

TEST(Channel, KeepsOrderAndBound) {
  FakeClock clock;
  SimulatedLoop loop(clock);
  Channel<int> channel(loop, 4);
  std::vector<int> seen;
  std::size_t most = 0;
  loop.run_until_done(when_both(loop, produce(channel, 100), consume(channel, &seen, &most)));
  ASSERT_EQ(seen.size(), 100U);
  EXPECT_EQ(seen.back(), 99);
  EXPECT_LE(most, 4U);
}

TEST(Quota, RefusesBeyondTheLimit) {
  Quota quota(2);
  auto a = quota.try_take();
  auto b = quota.try_take();
  EXPECT_FALSE(quota.try_take().has_value());
  a->release();
  EXPECT_TRUE(quota.try_take().has_value());
  EXPECT_EQ(quota.used(), 1U);
}

Task<void> read_line(Shard& shard, int fd, std::string* out) {
  FdWatcher watcher(shard, fd);
  char c = 0;
  for (;;) {
    const ssize_t n = read(fd, &c, 1);
    if (n < 0) {
      watcher.blocked_read();
      const auto r = co_await watcher.readable();
      CHECK(r.ok(), "readable");
      continue;
    }
    if (n == 0 || c == '\n') {
      co_return;
    }
    out->push_back(c);
  }
}

Task<void> write_later(Shard& shard, int fd, std::string text) {
  for (const char c : text) {
    co_await shard.yield();
    CHECK(write(fd, &c, 1) == 1, "write");
  }
}

TEST(FdWatcher, WakesForEveryByte) {
  SystemClock clock;
  Shard shard(clock);
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  std::string got;
  shard.run_until_done(
      when_both(shard, read_line(shard, fds[0], &got), write_later(shard, fds[1], "hello\n")));
  EXPECT_EQ(got, "hello");
  close(fds[0]);
  close(fds[1]);
}

Task<void> wait_cancelled(FdWatcher& watcher, ErrorKind* kind) {
  watcher.blocked_read();
  const auto r = co_await watcher.readable();
  *kind = r.ok() ? ErrorKind::Internal : r.error().kind();
}

Task<void> close_it(FdWatcher& watcher) {
  watcher.close();
  co_return;
}

TEST(FdWatcher, CloseCancelsTheWait) {
  SystemClock clock;
  Shard shard(clock);
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  FdWatcher watcher(shard, fds[0]);
  ErrorKind kind = ErrorKind::Internal;
  shard.run_until_done(when_both(shard, wait_cancelled(watcher, &kind), close_it(watcher)));
  EXPECT_EQ(kind, ErrorKind::Cancelled);
  close(fds[0]);
  close(fds[1]);
}

Task<void> hop(Shard& home, Shard& other, std::thread::id* there, std::thread::id* back) {
  co_await other.enter();
  *there = std::this_thread::get_id();
  co_await home.enter();
  *back = std::this_thread::get_id();
}

TEST(Executor, EnterChangesTheThread) {
  SystemClock clock;
  Shard home(clock);
  ShardThread other(clock);
  std::thread::id there;
  std::thread::id back;
  home.run_until_done(hop(home, other.shard(), &there, &back));
  EXPECT_EQ(back, std::this_thread::get_id());
  EXPECT_NE(there, back);
}

Task<void> block(BlockingPool& pool, Executor& executor, int* out) {
  auto r = co_await pool.run(executor, []() -> Result<int> { return 42; });
  *out = r.ok() ? *r : -1;
}

TEST(BlockingPool, ReturnsOnTheExecutor) {
  SystemClock clock;
  Shard shard(clock);
  BlockingPool pool(1, 8);
  int out = 0;
  shard.run_until_done(block(pool, shard, &out));
  EXPECT_EQ(out, 42);
}

}  // namespace
}  // namespace roadstead::io
