// SPDX-License-Identifier: Apache-2.0
#include "http/h2_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/block_pool.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSlot = 5 * kPage;
// A frame's buffer: 16,384 bytes of payload and its head, up to what fits.
constexpr std::size_t kLeast = 16 * 1024;
constexpr std::size_t kSlotsAtOnce = 64;  // below the size of a huge page
constexpr std::size_t kMostSlots = 1 << 18;
constexpr std::size_t kKeptSlots = 64;

// Address space for all slots, without memory until a thread takes a piece of it.
class Space {
 public:
  static Space& shared() {
    static Space space;
    return space;
  }
  bool holds(const void* p) const {
    return std::uintptr_t(p) - base_ < kMostSlots * kSlot && base_ != 0;
  }
  // kSlotsAtOnce slots, or nullptr.
  std::byte* take() {
    const std::size_t first = taken_.fetch_add(kSlotsAtOnce, std::memory_order_relaxed);
    if (base_ == 0 || first + kSlotsAtOnce > kMostSlots) {
      return nullptr;
    }
    auto* const piece = reinterpret_cast<std::byte*>(base_ + first * kSlot);
    if (mprotect(piece, kSlotsAtOnce * kSlot, PROT_READ | PROT_WRITE) != 0) {
      return nullptr;
    }
    madvise(piece, kSlotsAtOnce * kSlot, MADV_NOHUGEPAGE);
    return piece;
  }
  std::size_t pages() const {
    const std::size_t bytes = std::min(taken_.load(), kMostSlots) * kSlot;
    std::vector<unsigned char> resident(bytes / kPage);
    if (base_ == 0 || mincore(reinterpret_cast<void*>(base_), bytes, resident.data()) != 0) {
      return 0;
    }
    return static_cast<std::size_t>(
        std::count_if(resident.begin(), resident.end(), [](unsigned char c) { return c & 1; }));
  }

 private:
  Space() {
    void* const at = mmap(nullptr, kMostSlots * kSlot, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base_ = at == MAP_FAILED ? 0 : std::uintptr_t(at);
  }
  std::uintptr_t base_ = 0;
  std::atomic<std::size_t> taken_{0};
};

// Free slots of one thread: the last kKeptSlots with their pages, the others without.
class Slots {
 public:
  void* take() {
    if (free_.empty()) {
      std::byte* const piece = Space::shared().take();
      if (piece == nullptr) {
        return nullptr;
      }
      for (std::size_t i = kSlotsAtOnce; i > 0; --i) {
        free_.push_back(piece + (i - 1) * kSlot);
      }
    }
    void* const slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(void* slot) {
    free_.push_back(slot);
    if (free_.size() > kKeptSlots) {
      // The bottom of this stretch is used again last.
      madvise(free_[free_.size() - 1 - kKeptSlots], kSlot, MADV_DONTNEED);
    }
  }

 private:
  std::vector<void*> free_;
};

Slots& slots() {
  thread_local Slots mine;
  return mine;
}

void* allocate(std::size_t size, void*) {
  if (ROADSTEAD_BLOCK_POOL != 0 && size >= kLeast && size <= kSlot) {
    if (void* const slot = slots().take()) {
      return slot;
    }
  }
  return std::malloc(size);
}

void release(void* block, void*) {
  if (Space::shared().holds(block)) {
    slots().give_back(block);
  } else {
    std::free(block);
  }
}

void* allocate_zeroed(std::size_t count, std::size_t size, void*) {
  return std::calloc(count, size);
}

// nghttp2 takes a frame's buffer as the growth of none.
void* reallocate(void* block, std::size_t size, void* user_data) {
  if (block == nullptr) {
    return allocate(size, user_data);
  }
  if (!Space::shared().holds(block)) {
    return std::realloc(block, size);
  }
  void* const larger = std::malloc(size);
  if (larger != nullptr) {
    std::memcpy(larger, block, size < kSlot ? size : kSlot);
    slots().give_back(block);
  }
  return larger;
}

}  // namespace

nghttp2_mem* session_memory() {
  static nghttp2_mem memory{nullptr, allocate, release, allocate_zeroed, reallocate};
  return &memory;
}

std::size_t frame_buffer_pages() { return Space::shared().pages(); }

}  // namespace roadstead::http
