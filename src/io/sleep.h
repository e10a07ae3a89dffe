// SPDX-License-Identifier: Apache-2.0
// Waiting for time, and ending something that takes too long.
#pragma once

#include "base/clock.h"
#include "io/event.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::io {

// `co_await sleep_for(executor, 5s)`: cannot be cut short. For short, certain waits.
inline auto sleep_for(Executor& executor, Duration d) {
  struct Awaiter {
    Timer timer;
    Duration d;
    bool await_ready() { return d <= Duration::zero(); }
    void await_suspend(std::coroutine_handle<> h) {
      timer.arm(d, [h] { h.resume(); });
    }
    void await_resume() {}
  };
  return Awaiter{Timer(executor), d};
}

// A wait that another coroutine of the shard may end early with `stop()`; then every wait, present
// and future, returns false at once.
class StoppableSleep {
 public:
  explicit StoppableSleep(Executor& executor) : stopped_(executor) {}
  void stop() { stopped_.set(); }
  bool stopped() const { return stopped_.is_set(); }

  // True when the time passed, false when stopped.
  Task<bool> sleep(Duration d) {
    if (!stopped_.is_set()) {
      Timer timer(stopped_.executor());
      bool passed = false;
      timer.arm(d, [this, &passed] {
        passed = true;
        stopped_.pulse();
      });
      // pulse() wakes every sleeper of this object, so each asks its own timer. Not the clock: the
      // time at which the timer was set is a little earlier than any that could be read here.
      while (!stopped_.is_set() && !passed) {
        co_await stopped_.wait();
      }
    }
    co_return !stopped_.is_set();
  }

 private:
  Event stopped_;
};

// Runs `on_expiry` (which closes the resource that is waited for) when the deadline passes.
// The waiting call then sees Cancelled and asks `expired()` to tell a time-out from a close.
class DeadlineGuard {
 public:
  DeadlineGuard(Executor& executor, Deadline deadline, UniqueFunction<void()> on_expiry)
      : timer_(executor) {
    if (!deadline.is_never()) {
      timer_.arm_at(deadline.time(), [this, f = std::move(on_expiry)] {
        expired_ = true;
        f();
      });
    }
  }
  bool expired() const { return expired_; }

 private:
  Timer timer_;
  bool expired_ = false;
};

}  // namespace roadstead::io
