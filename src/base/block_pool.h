// SPDX-License-Identifier: Apache-2.0
// Memory of coroutine frames and of other objects that live for one step of a request. A request
// makes about fifteen frames at the Stub and as many at the Agent; most are larger than what
// malloc keeps in its thread's cache, so each would search and merge the heap's free lists (15 % of
// the programs' time). Here freed blocks stay on lists of their size, one set for each thread,
// without locks. A block may be given back on another thread than the one that took it.
//
// Bounds: blocks of at most kLargest bytes; at most kMostKept bytes of free blocks a thread, the
// rest goes back to malloc. Under the sanitizers nothing is kept, so that they see a use after the
// end of a frame.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace roadstead {

class BlockPool {
 public:
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kLargest = 8 * 1024;
  static constexpr std::size_t kMostKept = 1 << 20;

  constexpr BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Aligned as operator new does. Ends the process when memory is out.
  void* take(std::size_t size) {
    if (size - 1 < kLargest) {
      Free*& first = free_[class_of(size)];
      if (first != nullptr) {
        Free* const block = first;
        first = block->next;
        kept_ -= rounded(size);
        return block;
      }
    }
    return take_from_heap(size);
  }
  // `size` is what take() was asked for.
  void give_back(void* block, std::size_t size) noexcept {
    if (size - 1 < kLargest && kept_ + rounded(size) <= most_kept_) {
      Free*& first = free_[class_of(size)];
      first = new (block) Free{first};
      kept_ += rounded(size);
      return;
    }
    return_to_heap(block);
  }

  std::size_t kept() const { return kept_; }
  // Frees what is kept. With `for_good`, nothing is kept from now on.
  void clear(bool for_good) noexcept;

  // The calling thread's.
  static BlockPool& mine();

 private:
  struct Free {
    Free* next;
  };
  static std::size_t class_of(std::size_t size) { return (size - 1) / kStep; }
  static std::size_t rounded(std::size_t size) { return (class_of(size) + 1) * kStep; }
  void* take_from_heap(std::size_t size);
  static void return_to_heap(void* block) noexcept;

  std::array<Free*, kLargest / kStep> free_{};
  std::size_t kept_ = 0;
  std::size_t most_kept_ = kMostKept;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROADSTEAD_BLOCK_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ROADSTEAD_BLOCK_POOL 0
#endif
#endif
#ifndef ROADSTEAD_BLOCK_POOL
#define ROADSTEAD_BLOCK_POOL 1
#endif

// A base of classes (and of promise types, for their frames) whose objects come from the pool.
struct Pooled {
#if ROADSTEAD_BLOCK_POOL
  static void* operator new(std::size_t size) { return BlockPool::mine().take(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    BlockPool::mine().give_back(block, size);
  }
#endif
};

namespace detail {
extern constinit thread_local BlockPool block_pool;
}  // namespace detail

inline BlockPool& BlockPool::mine() { return detail::block_pool; }

}  // namespace roadstead
