// SPDX-License-Identifier: Apache-2.0
#include "io/memory_return.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/block_pool.h"

namespace roadstead::io {
namespace {

class MemoryReturnTest : public testing::Test {
 protected:
  bool after(std::uint64_t turns) { return memory_.look(turns_ += turns); }
  static void work() {
    BlockPool& pool = BlockPool::mine();
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) {
      blocks.push_back(pool.take(1'000));
    }
    for (void* block : blocks) {
      pool.give_back(block, 1'000);
    }
  }

  SystemClock clock_;
  Shard shard_{clock_};
  MemoryReturn memory_{shard_};
  std::uint64_t turns_ = 0;
};

TEST_F(MemoryReturnTest, ActsOnceAfterABusyTime) {
  work();
  EXPECT_FALSE(after(100'000)) << "not while there is work";
  EXPECT_GT(BlockPool::mine().kept(), 0u);
  EXPECT_TRUE(after(10));
  EXPECT_EQ(BlockPool::mine().kept(), 0u);
  EXPECT_FALSE(after(10)) << "nothing has happened since";
  work();
  EXPECT_TRUE(after(10));
}

TEST_F(MemoryReturnTest, ActsAfterABusyTimeThatLeftThePoolEmpty) {
  EXPECT_FALSE(after(100'000));
  EXPECT_TRUE(after(10));
  EXPECT_FALSE(after(10));
  EXPECT_FALSE(after(2'000)) << "a short one is not worth it";
  EXPECT_FALSE(after(10));
}

TEST_F(MemoryReturnTest, ATrickleIsNotWorthIt) {
  BlockPool& pool = BlockPool::mine();
  pool.give_back(pool.take(1'000), 1'000);
  EXPECT_FALSE(after(10));
  EXPECT_GT(pool.kept(), 0u);
}

}  // namespace
}  // namespace roadstead::io
