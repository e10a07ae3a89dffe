// SPDX-License-Identifier: Apache-2.0
// How many bytes of the heap are in use, for tests that guard the memory of what there is many of:
// the same at each run, whatever the machine does.
#pragma once

#include <malloc.h>

#include <cstddef>

#include "base/block_pool.h"

#if !ROADSTEAD_BLOCK_POOL
#include <sanitizer/allocator_interface.h>
#endif

namespace roadstead::test {

// The sanitizers' allocators know nothing of mallinfo2.
inline constexpr bool kSanitized = ROADSTEAD_BLOCK_POOL == 0;

inline std::size_t bytes_in_use() {
#if ROADSTEAD_BLOCK_POOL
  BlockPool::mine().clear(false);  // kept for the next step, and of nobody now
  return mallinfo2().uordblks;
#else
  return __sanitizer_get_current_allocated_bytes();
#endif
}

}  // namespace roadstead::test
