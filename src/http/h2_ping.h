// SPDX-License-Identifier: Apache-2.0
// What PINGs tell: whether the peer lives and how long a round trip takes. Only numbers and times,
// no I/O; one for each session.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace roadstead::http {

class PingTracker {
 public:
  bool in_flight() const { return in_flight_; }
  MonotonicTime sent_at() const { return sent_at_; }

  // The number to send.
  std::uint64_t start(MonotonicTime now) {
    in_flight_ = true;
    sent_at_ = now;
    return ++number_;
  }
  // False when it answers nothing that is waited for.
  bool answered(std::uint64_t number, MonotonicTime now) {
    if (!in_flight_ || number != number_) {
      return false;
    }
    in_flight_ = false;
    last_ = std::max(now - sent_at_, Duration(1));
    if (now - period_start_ > kPeriod) {
      previous_floor_ = period_floor_;
      period_floor_ = Duration::max();
      period_start_ = now;
    }
    period_floor_ = std::min(period_floor_, last_);
    return true;
  }

  Duration last() const { return last_; }  // zero before the first
  // The smallest of the last one to two minutes: the path without our own queues, which is what
  // windows are measured against. Zero before the first answer.
  Duration floor() const {
    return last_ == Duration::zero() ? last_ : std::min(period_floor_, previous_floor_);
  }

 private:
  static constexpr Duration kPeriod = std::chrono::seconds(60);
  std::uint64_t number_ = 0;
  bool in_flight_ = false;
  MonotonicTime sent_at_;
  Duration last_{};
  Duration period_floor_ = Duration::max();
  Duration previous_floor_ = Duration::max();
  MonotonicTime period_start_;
};

}  // namespace roadstead::http
