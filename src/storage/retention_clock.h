// SPDX-License-Identifier: Apache-2.0
// Remembers which revision was current when, so that history is kept for a time, not a number.
// Used by one thread.
#pragma once

#include <deque>
#include <utility>

#include "base/clock.h"
#include "storage/object_store.h"

namespace roadstead::storage {

class RetentionClock {
 public:
  RetentionClock(const Clock& clock, Duration history) : clock_(clock), history_(history) {}

  void note(Revision revision) {
    const MonotonicTime now = clock_.now();
    if (marks_.empty() || now - marks_.back().first >= std::chrono::seconds(1)) {
      marks_.emplace_back(now, revision);
    }
  }
  // The newest revision that was current `history` ago; 0: none yet.
  Revision boundary() {
    const MonotonicTime now = clock_.now();
    while (!marks_.empty() && now - marks_.front().first >= history_) {
      boundary_ = marks_.front().second;
      marks_.pop_front();
    }
    return boundary_;
  }

 private:
  const Clock& clock_;
  Duration history_;
  std::deque<std::pair<MonotonicTime, Revision>> marks_;
  Revision boundary_ = 0;
};

}  // namespace roadstead::storage
