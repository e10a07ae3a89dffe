// SPDX-License-Identifier: Apache-2.0
#include "io/memory_return.h"

#include <malloc.h>

#include <utility>

#include "base/block_pool.h"

namespace roadstead::io {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(2);
// Turns of the shard's loop within one look. A thousand idle lanes are calm.
constexpr std::uint64_t kCalm = 1'000;
// Free blocks in the pool, or turns that were not calm: signs that much was done since the last
// time.
constexpr std::size_t kWorthIt = 128 * 1024;
constexpr std::uint64_t kBusy = 10'000;

}  // namespace

MemoryReturn::MemoryReturn(Shard& shard) : shard_(shard), timer_(shard) { arm(); }

void MemoryReturn::arm() {
  timer_.arm(kLookEvery, [this] {
    look(shard_.turns());
    arm();
  });
}

bool MemoryReturn::look(std::uint64_t turns) {
  BlockPool& pool = BlockPool::mine();
  const std::uint64_t since = turns - std::exchange(seen_, turns);
  if (since > kCalm) {
    busy_ += since;
    return false;
  }
  if (pool.kept() < kWorthIt && busy_ < kBusy) {
    return false;
  }
  busy_ = 0;
  pool.clear(false);
  malloc_trim(0);
  return true;
}

}  // namespace roadstead::io
