// SPDX-License-Identifier: Apache-2.0
// `Event`: a manual-reset flag that coroutines of one shard wait for. Waiters are resumed through
// the executor's queue, never inside `set()`. Many may wait. All must have been resumed before the
// Event is destroyed.
#pragma once

#include <coroutine>
#include <vector>

#include "base/check.h"
#include "io/executor.h"

namespace roadstead::io {

class Event {
 public:
  explicit Event(Executor& executor) : executor_(executor) {}
  ~Event() { CHECK(waiters_.empty(), "an Event was destroyed while awaited"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    pulse();
  }
  void reset() { set_ = false; }
  // Resumes who waits now and leaves the flag as it is.
  void pulse() {
    for (const std::coroutine_handle<> h : waiters_) {
      executor_.resume_later(h);
    }
    waiters_.clear();
  }

  // Returns at once when set. A waiter that was resumed re-checks its own condition: the flag may
  // have been reset again in between.
  auto wait() {
    struct Awaiter {
      Event& event;
      bool await_ready() { return event.set_; }
      void await_suspend(std::coroutine_handle<> h) { event.waiters_.push_back(h); }
      void await_resume() {}
    };
    return Awaiter{*this};
  }

  // Waits for the next set() or pulse(), even when the flag is set.
  auto wait_next() {
    struct Awaiter {
      Event& event;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> h) { event.waiters_.push_back(h); }
      void await_resume() {}
    };
    return Awaiter{*this};
  }

  Executor& executor() const { return executor_; }

 private:
  Executor& executor_;
  bool set_ = false;
  std::vector<std::coroutine_handle<>> waiters_;
};

}  // namespace roadstead::io
