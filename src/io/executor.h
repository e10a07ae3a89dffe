// SPDX-License-Identifier: Apache-2.0
// An Executor runs coroutines and timers on one thread. `Shard` is the real one (epoll),
// `SimulatedLoop` the one of tests and of the simulated world. Everything but `post_remote` is
// called on the executor's own thread.
#pragma once

#include <coroutine>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/unique_function.h"

namespace roadstead::io {

class Timer;

class Executor {
 public:
  explicit Executor(const Clock& clock) : clock_(clock) {}
  virtual ~Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const Clock& clock() const { return clock_; }

  // Runs later on this thread, in the order posted; never inside the call.
  void resume_later(std::coroutine_handle<> h);
  void post(UniqueFunction<void()> f);

  // The same from any thread. Refused (the function is dropped) once the executor has stopped.
  virtual void post_remote(UniqueFunction<void()> f) = 0;

  // `co_await executor.yield()`: lets others run.
  auto yield() {
    struct Awaiter {
      Executor& executor;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> h) { executor.yield_later(h); }
      void await_resume() {}
    };
    return Awaiter{*this};
  }

  // `co_await executor.enter()`: goes on here, whichever executor the coroutine was on.
  auto enter() {
    struct Awaiter {
      Executor& executor;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> h) {
        executor.post_remote([h] { h.resume(); });
      }
      void await_resume() {}
    };
    return Awaiter{*this};
  }

 protected:
  // Called when the ready queue became non-empty.
  virtual void wake() {}
  // Where yield() puts its caller.
  virtual void yield_later(std::coroutine_handle<> h) { resume_later(h); }

  bool has_ready() const { return !ready_.empty(); }
  void run_ready();  // runs what is queued now, not what that queues
  void run_due_timers();
  MonotonicTime next_timer() const;

 private:
  friend class Timer;
  struct Ready {
    std::coroutine_handle<> handle;
    UniqueFunction<void()> function;
  };
  const Clock& clock_;
  std::vector<Ready> ready_;
  std::vector<Ready> running_;
  std::multimap<MonotonicTime, Timer*> timers_;
};

// One pending callback. Owned by whoever waits; destroying it disarms it.
class Timer {
 public:
  explicit Timer(Executor& executor) : executor_(executor) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(Duration after, UniqueFunction<void()> callback) {
    arm_at(executor_.clock().now() + after, std::move(callback));
  }
  void arm_at(MonotonicTime when, UniqueFunction<void()> callback);
  void cancel();
  bool armed() const { return armed_; }

 private:
  friend class Executor;
  Executor& executor_;
  bool armed_ = false;
  std::multimap<MonotonicTime, Timer*>::iterator position_;
  UniqueFunction<void()> callback_;
};

}  // namespace roadstead::io
