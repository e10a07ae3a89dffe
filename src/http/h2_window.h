// SPDX-License-Identifier: Apache-2.0
// How large a stream's receive window is. It starts small, doubles while the path shows that it is
// the bottleneck, and never takes more than a shared budget allows. No I/O; one shard.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roadstead::http {

// Bytes that peers of one shard may send beyond the initial windows of their streams. A peer that
// was given a large window may fill it and its reader may stall, so this bounds the memory of
// stalled readers: at most `limit` plus one initial window for each stream. One for each shard;
// outlives the sessions and exchanges that use it.
class BufferBudget {
 public:
  explicit BufferBudget(std::size_t limit) : limit_(limit) {}
  BufferBudget(const BufferBudget&) = delete;
  BufferBudget& operator=(const BufferBudget&) = delete;

  // All or nothing.
  bool take(std::size_t bytes) {
    if (bytes > limit_ - used_) {
      return false;
    }
    used_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) { used_ -= bytes; }
  // Grown windows shrink again while this is true.
  bool tight() const { return used_ > limit_ - limit_ / 4; }
  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

// The growth rule of one stream: a sender that is held back by the window fills it about once a
// round trip. So when a whole window was consumed within two round trips, the window doubles.
// While the budget is tight, it halves instead, never below where it started.
class WindowTuner {
 public:
  WindowTuner(std::uint32_t initial, std::uint32_t max, BufferBudget* budget)
      : initial_(initial), max_(std::max(initial, max)), window_(initial), budget_(budget) {}
  ~WindowTuner() { release(window_ - initial_); }
  WindowTuner(const WindowTuner&) = delete;
  WindowTuner& operator=(const WindowTuner&) = delete;

  // The reader took `bytes`. `round_trip` is zero while unknown: then nothing grows. Returns the
  // window to have from now on. Looks at the clock about once a window.
  std::uint32_t on_consumed(std::size_t bytes, const Clock& clock, Duration round_trip) {
    if (consumed_ == 0) {
      start_ = clock.now();
    }
    consumed_ += bytes;
    if (consumed_ >= window_) {
      consumed_ = 0;
      if (budget_ != nullptr && budget_->tight()) {
        shrink();
      } else if (clock.now() - start_ <= 2 * round_trip) {
        grow();
      }
    }
    return window_;
  }
  std::uint32_t window() const { return window_; }

 private:
  void grow() {
    const std::uint32_t wanted = window_ > max_ / 2 ? max_ : window_ * 2;
    if (budget_ == nullptr || budget_->take(wanted - window_)) {
      window_ = wanted;
    }
  }
  void shrink() {
    const std::uint32_t wanted = std::max(initial_, window_ / 2);
    release(window_ - wanted);
    window_ = wanted;
  }
  void release(std::uint32_t bytes) {
    if (budget_ != nullptr) {
      budget_->give_back(bytes);
    }
  }

  std::uint32_t initial_;
  std::uint32_t max_;
  std::uint32_t window_;
  BufferBudget* budget_;
  std::size_t consumed_ = 0;
  MonotonicTime start_;
};

}  // namespace roadstead::http
