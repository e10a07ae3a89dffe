// SPDX-License-Identifier: Apache-2.0
// Every spawned coroutine belongs to a TaskGroup, which its owner joins before it dies. The group
// does not cancel: the owner closes the resources its tasks wait for, then joins.
#pragma once

#include "io/event.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::io {

class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor) : executor_(executor), idle_(executor) { idle_.set(); }
  ~TaskGroup() { CHECK(running_ == 0, "a TaskGroup was destroyed with running tasks"); }

  // Starts the task from the executor's queue. After close() the task is dropped unstarted.
  void spawn(Task<void> task) {
    if (closed_) {
      return;
    }
    ++running_;
    idle_.reset();
    executor_.resume_later(run(this, std::move(task)).handle);
  }

  void close() { closed_ = true; }
  bool closed() const { return closed_; }
  std::size_t running() const { return running_; }

  // Refuses new tasks and waits for the running ones.
  Task<void> join() {
    closed_ = true;
    while (running_ > 0) {
      co_await idle_.wait();
    }
  }

 private:
  // Owns itself: the frame ends right after the task.
  struct Root {
    struct promise_type : Pooled {
      Root get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
  };
  static Root run(TaskGroup* group, Task<void> task) {
    {
      // The task's frame goes before the group is told.
      Task<void> owned = std::move(task);
      co_await std::move(owned);
    }
    group->finished();
  }
  void finished() {
    if (--running_ == 0) {
      idle_.set();
    }
  }

  Executor& executor_;
  Event idle_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

// Runs both, returns when both have ended.
Task<void> when_both(Executor& executor, Task<void> a, Task<void> b);

}  // namespace roadstead::io
