// SPDX-License-Identifier: Apache-2.0
#include "base/block_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/unique_function.h"

namespace roadstead {
namespace {

struct Emptied : BlockPool {
  ~Emptied() { clear(false); }
};

TEST(BlockPool, GivesABlockOfTheSameSizeAgain) {
  Emptied pool;
  void* const first = pool.take(100);
  std::memset(first, 1, 100);
  pool.give_back(first, 100);
  EXPECT_EQ(pool.kept(), 128U);
  EXPECT_EQ(pool.take(128), first) << "both are of the class of 128 bytes";
  EXPECT_EQ(pool.kept(), 0U);
  pool.give_back(first, 128);
}

TEST(BlockPool, KeepsSizesApart) {
  Emptied pool;
  void* const small = pool.take(64);
  pool.give_back(small, 64);
  void* const large = pool.take(65);
  EXPECT_NE(large, small);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0U);
  pool.give_back(large, 65);
}

TEST(BlockPool, KeepsNoMoreThanItsBound) {
  Emptied pool;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2 * BlockPool::kMostKept / BlockPool::kLargest; ++i) {
    blocks.push_back(pool.take(BlockPool::kLargest));
  }
  for (void* const block : blocks) {
    pool.give_back(block, BlockPool::kLargest);
  }
  EXPECT_EQ(pool.kept(), BlockPool::kMostKept);
}

TEST(BlockPool, LargeBlocksAreNotKept) {
  Emptied pool;
  pool.give_back(pool.take(BlockPool::kLargest + 1), BlockPool::kLargest + 1);
  EXPECT_EQ(pool.kept(), 0U);
}

TEST(BlockPool, KeepsNothingAfterItsEnd) {
  Emptied pool;
  pool.give_back(pool.take(64), 64);
  pool.clear(true);
  EXPECT_EQ(pool.kept(), 0U);
  pool.give_back(pool.take(64), 64);
  EXPECT_EQ(pool.kept(), 0U);
}

struct Base : Pooled {
  virtual ~Base() = default;
};
struct Derived final : Base {
  std::array<char, 1000> more{};
};

TEST(Pooled, ADerivedObjectGoesBackWithItsOwnSize) {
  const std::size_t before = BlockPool::mine().kept();
  std::unique_ptr<Base> object = std::make_unique<Derived>();
  const std::size_t without = BlockPool::mine().kept();
  object.reset();
#if ROADSTEAD_BLOCK_POOL
  EXPECT_GE(BlockPool::mine().kept() - without, sizeof(Derived));
  EXPECT_GE(BlockPool::mine().kept(), before);
#else
  EXPECT_EQ(BlockPool::mine().kept(), 0U);
  EXPECT_EQ(without, before);
#endif
}

TEST(UniqueFunction, OwnsWhatItCaptured) {
  auto shared = std::make_shared<int>(7);
  UniqueFunction<int()> f = [shared] { return *shared; };
  EXPECT_EQ(shared.use_count(), 2);
  UniqueFunction<int()> g = std::move(f);
  EXPECT_FALSE(f);  // NOLINT: moved-from is empty
  EXPECT_EQ(g(), 7);
  g = nullptr;
  EXPECT_EQ(shared.use_count(), 1);
}

}  // namespace
}  // namespace roadstead
