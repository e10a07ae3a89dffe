// SPDX-License-Identifier: Apache-2.0
#include "io/executor.h"

#include "base/check.h"

namespace roadstead::io {

void Executor::resume_later(std::coroutine_handle<> h) {
  ready_.push_back({h, nullptr});
  if (ready_.size() == 1) {
    wake();
  }
}

void Executor::post(UniqueFunction<void()> f) {
  ready_.push_back({nullptr, std::move(f)});
  if (ready_.size() == 1) {
    wake();
  }
}

void Executor::run_ready() {
  CHECK(running_.empty(), "run_ready was entered twice");
  running_.swap(ready_);
  for (Ready& r : running_) {
    if (r.handle != nullptr) {
      r.handle.resume();
    } else {
      r.function();
    }
  }
  running_.clear();
}

void Executor::run_due_timers() {
  const MonotonicTime now = clock_.now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Timer* timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->armed_ = false;
    // Moved out first: the callback may destroy or re-arm the timer.
    const UniqueFunction<void()> callback = std::move(timer->callback_);
    callback();
  }
}

MonotonicTime Executor::next_timer() const {
  return timers_.empty() ? MonotonicTime::max() : timers_.begin()->first;
}

void Timer::arm_at(MonotonicTime when, UniqueFunction<void()> callback) {
  cancel();
  callback_ = std::move(callback);
  position_ = executor_.timers_.emplace(when, this);
  armed_ = true;
}

void Timer::cancel() {
  if (armed_) {
    executor_.timers_.erase(position_);
    armed_ = false;
    callback_ = nullptr;
  }
}

}  // namespace roadstead::io
