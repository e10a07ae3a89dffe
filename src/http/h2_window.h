// SPDX-License-Identifier: Apache-2.0
// How large a stream's receive window is. It starts small, doubles while the path shows that it is
// the bottleneck, and never takes more than a shared budget allows. No I/O; one shard.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roadstead::http {

// What the connections of a process may hold of bytes that nobody has read, together: received and
// not yet taken, and what windows have grown by, which peers may send at any time. It gives way in
// three steps: above three quarters grown windows shrink and none grows; then new bytes are still
// taken, since peers may send them, but from full until half is free again the sessions make every
// window small (H2Core::follow_budget), so that what stalled readers can add is kScarceWindow a
// stream. Readers that read bring it down.
// Thread-safe; outlives the sessions and exchanges that use it.
class BufferBudget {
 public:
  explicit BufferBudget(std::size_t limit) : limit_(limit) {}
  BufferBudget(const BufferBudget&) = delete;
  BufferBudget& operator=(const BufferBudget&) = delete;

  // All or nothing.
  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) {
      return true;
    }
    give_back(bytes);
    return false;
  }
  // Bytes that are here whether there is room or not.
  void hold(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  // Grown windows shrink again while this is true.
  bool tight() const { return used() > limit_ - limit_ / 4; }
  // From full until half is free.
  bool scarce() {
    const std::size_t now = used();
    const bool was = scarce_.load(std::memory_order_relaxed);
    const bool is = was ? now > limit_ / 2 : now >= limit_;
    if (is != was) {
      scarce_.store(is, std::memory_order_relaxed);
    }
    return is;
  }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const { return limit_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
  std::atomic<bool> scarce_{false};
};

// The growth rule of one stream: a sender that is held back by the window fills it about once a
// round trip, and where packets are lost every loss stops what arrives for up to one more. So when
// a whole window was consumed within kPatience round trips, the window doubles: it ends at most at
// twice that many times what the path holds. While the budget is tight, it halves instead, never
// below where it started.
class WindowTuner {
 public:
  static constexpr int kPatience = 4;

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
      } else if (clock.now() - start_ <= kPatience * round_trip) {
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
