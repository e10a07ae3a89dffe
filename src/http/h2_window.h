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
// a whole window was consumed within kPatience round trips, it grows to kHeadroom times what the
// path held meanwhile, at most kHeadroom-fold: a sender whose congestion control still looks for
// the path's rate must not meet the window, or takes it for the path's end (BBR stays in its start
// phase, at three times the rate, while the application is what limits it). While the budget is
// tight, it halves instead, never below where it started.
class WindowTuner {
 public:
  static constexpr int kPatience = 4;
  static constexpr int kHeadroom = 2 * kPatience;

  WindowTuner(std::uint32_t initial, std::uint32_t max, BufferBudget* budget)
      : initial_(initial),
        max_(std::max(initial, budget == nullptr ? max : most(max, budget->limit() / 2))),
        window_(initial),
        budget_(budget) {}
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
      } else if (const Duration took = clock.now() - start_; took <= kPatience * round_trip) {
        grow(std::max(took, round_trip), round_trip);
      }
    }
    return window_;
  }
  std::uint32_t window() const { return window_; }

 private:
  // One stream alone does not make the budget tight.
  static std::uint32_t most(std::uint32_t max, std::size_t share) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(max, share));
  }
  // A window was consumed in `took`.
  void grow(Duration took, Duration round_trip) {
    if (took > Duration::zero()) {
      const double held = static_cast<double>(window_) / static_cast<double>(took.count()) *
                          static_cast<double>(round_trip.count());
      static_cast<void>(grow_to(kHeadroom * held) || grow_to(2.0 * window_));
    }
  }
  bool grow_to(double bytes) {
    const auto wanted = static_cast<std::uint32_t>(std::min(bytes, static_cast<double>(max_)));
    if (wanted <= window_ || (budget_ != nullptr && !budget_->take(wanted - window_))) {
      return false;
    }
    window_ = wanted;
    return true;
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
