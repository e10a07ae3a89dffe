// SPDX-License-Identifier: Apache-2.0
#include "storage/group_commit.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "io/task_group.h"
#include "storage/change_feed.h"

namespace roadstead::storage {
namespace {

Write write_of(std::size_t bytes) {
  return {Write::Verb::Create, {"things.example.com", "", "a"}, 0, std::string(bytes, 'x')};
}

io::Task<void> write_one(GroupCommit* commit, io::Shard* shard, std::size_t bytes,
                         std::vector<Result<std::uint64_t>>* out) {
  out->push_back(co_await commit->write(*shard, write_of(bytes)));
}

io::Task<void> settle(io::Shard* shard) {
  co_await shard->yield();
  co_await shard->yield();
}

// A writer that stands still until it is let go.
class GroupCommitTest : public testing::Test {
 protected:
  void commit(std::span<Write* const> batch) {
    std::unique_lock lock(mutex_);
    batches_.push_back(batch.size());
    entered_.notify_all();
    open_.wait(lock, [this] { return is_open_; });
    for (Write* write : batch) {
      write->result = ++revision_;
    }
  }
  void wait_until_busy() {
    std::unique_lock lock(mutex_);
    entered_.wait(lock, [this] { return !batches_.empty(); });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    open_.notify_all();
  }
  io::Task<void> spawn_and_settle(io::TaskGroup* group, GroupCommit* commit, int count,
                                  std::size_t bytes) {
    for (int i = 0; i < count; ++i) {
      group->spawn(write_one(commit, &shard_, bytes, &results_));
    }
    co_await shard_.yield();
    co_await shard_.yield();
  }
  int refused() const {
    int count = 0;
    for (const auto& result : results_) {
      count += !result.ok() && result.error().kind() == ErrorKind::TooManyRequests ? 1 : 0;
    }
    return count;
  }

  SystemClock clock_;
  io::Shard shard_{clock_};
  std::mutex mutex_;
  std::condition_variable entered_;
  std::condition_variable open_;
  bool is_open_ = false;
  std::uint64_t revision_ = 0;
  std::vector<std::size_t> batches_;
  std::vector<Result<std::uint64_t>> results_;
  io::ShardThread thread_{clock_};
};

TEST_F(GroupCommitTest, RefusesMoreThanMayWaitByNumberAndCommitsTheRestTogether) {
  GroupCommit queue({.writes = 5, .bytes = 1u << 20}, &thread_,
                    [this](std::span<Write* const> b) { commit(b); });
  io::TaskGroup group(shard_);
  shard_.run_until_done(spawn_and_settle(&group, &queue, 1, 10));
  wait_until_busy();
  shard_.run_until_done(spawn_and_settle(&group, &queue, 8, 10));
  EXPECT_EQ(refused(), 3);
  let_go();
  shard_.run_until_done(group.join());
  EXPECT_EQ(results_.size(), 9U);
  EXPECT_EQ(refused(), 3);
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 5}));
}

TEST_F(GroupCommitTest, RefusesMoreThanMayWaitByBytes) {
  GroupCommit queue({.writes = 1000, .bytes = 100'000}, &thread_,
                    [this](std::span<Write* const> b) { commit(b); });
  io::TaskGroup group(shard_);
  shard_.run_until_done(spawn_and_settle(&group, &queue, 1, 10));
  wait_until_busy();
  shard_.run_until_done(spawn_and_settle(&group, &queue, 4, 40'000));
  EXPECT_EQ(refused(), 2);
  let_go();
  shard_.run_until_done(group.join());
  EXPECT_EQ(results_.size(), 5U);
}

TEST_F(GroupCommitTest, ATransactionHasABound) {
  GroupCommit queue({}, &thread_, [this](std::span<Write* const> b) { commit(b); });
  io::TaskGroup group(shard_);
  shard_.run_until_done(spawn_and_settle(&group, &queue, 1, 10));
  wait_until_busy();
  shard_.run_until_done(spawn_and_settle(&group, &queue, 5, 6u << 20));
  let_go();
  shard_.run_until_done(group.join());
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 2, 2, 1}));
}

io::Task<void> read_one(ReadQueue* queue, io::Shard* shard, std::mutex* closed,
                        std::vector<Result<int>>* out) {
  out->push_back(co_await queue->run<int>(*shard, [closed]() -> Result<int> {
    const std::lock_guard lock(*closed);
    return 1;
  }));
}

TEST(ReadQueue, RefusesMoreThanMayWait) {
  const SystemClock clock;
  io::Shard shard(clock);
  io::ShardThread thread(clock);
  ReadQueue queue(3, &thread);
  std::mutex closed;
  std::vector<Result<int>> results;
  io::TaskGroup group(shard);
  {
    const std::lock_guard lock(closed);
    for (int i = 0; i < 5; ++i) {
      group.spawn(read_one(&queue, &shard, &closed, &results));
    }
    shard.run_until_done(settle(&shard));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].error().kind(), ErrorKind::TooManyRequests);
  }
  shard.run_until_done(group.join());
  EXPECT_EQ(results.size(), 5U);
  EXPECT_TRUE(results[4].ok());
}

Change change_of(Revision revision) {
  return {revision, {"things.example.com", "", "a"}, false, "v", std::nullopt};
}

TEST(ChangeFeed, TakesOnlyWhatFollowsWithoutAGap) {
  ChangeFeed feed;
  feed.start_at(10);
  EXPECT_FALSE(feed.publish({change_of(12)}));
  EXPECT_EQ(feed.revision(), 10U);
  EXPECT_TRUE(feed.publish({change_of(11), change_of(12)}));
  EXPECT_TRUE(feed.publish({change_of(12), change_of(13)}));
  const auto got = feed.since(10, 100);
  ASSERT_TRUE(got.has_value());
  ASSERT_EQ(got->changes.size(), 3U);
  EXPECT_EQ(got->changes[2].revision, 13U);
  EXPECT_FALSE(feed.since(9, 100).has_value());
}

TEST(ChangeFeed, MemoryIsBoundedAndOlderChangesAreReadElsewhere) {
  ChangeFeed feed;
  feed.start_at(0);
  for (Revision r = 1; r <= 5000; ++r) {
    ASSERT_TRUE(feed.publish({change_of(r)}));
  }
  EXPECT_FALSE(feed.since(100, 10).has_value());
  EXPECT_TRUE(feed.since(5000 - 4096, 10).has_value());
  Change big = change_of(5001);
  big.value.assign(9u << 20, 'x');
  ASSERT_TRUE(feed.publish({big}));
  EXPECT_FALSE(feed.since(5000, 10).has_value());
  EXPECT_EQ(feed.revision(), 5001U);
}

}  // namespace
}  // namespace roadstead::storage
