// SPDX-License-Identifier: Apache-2.0
#include "base/block_pool.h"

#include <new>

namespace roadstead {

namespace detail {
// Without a destructor, so that reaching it needs no check whether it was made.
constinit thread_local BlockPool block_pool;
}  // namespace detail

namespace {

// Empties the thread's pool at its end. Objects that end even later go straight to the heap.
struct AtThreadEnd {
  ~AtThreadEnd() { detail::block_pool.clear(true); }
  void touch() const {}
};

}  // namespace

void* BlockPool::take_from_heap(std::size_t size) {
  if (this == &detail::block_pool) {
    static const thread_local AtThreadEnd end;
    end.touch();
  }
  return ::operator new(size - 1 < kLargest ? rounded(size) : size);
}

void BlockPool::return_to_heap(void* block) noexcept { ::operator delete(block); }

void BlockPool::clear(bool for_good) noexcept {
  for (Free*& first : free_) {
    while (first != nullptr) {
      Free* const block = first;
      first = block->next;
      return_to_heap(block);
    }
  }
  kept_ = 0;
  if (for_good) {
    most_kept_ = 0;
  }
}

}  // namespace roadstead
