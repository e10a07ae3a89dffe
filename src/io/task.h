// SPDX-License-Identifier: Apache-2.0
// `Task<T>` is a lazy coroutine: it starts when awaited and its frame belongs to the Task object.
// A Task must be awaited at most once and must not be destroyed while suspended, except before it
// started. Exceptions do not cross a Task: one that escapes ends the process.
// Lives on the shard that awaits it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/block_pool.h"
#include "base/check.h"

namespace roadstead::io {

namespace detail {

// Pooled: the frame comes from the thread's block pool.
struct TaskPromiseBase : Pooled {
  std::coroutine_handle<> continuation;

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() { std::terminate(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  void return_void() {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::TaskPromise<T> {
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  struct Awaiter {
    std::coroutine_handle<promise_type> handle;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      handle.promise().continuation = caller;
      return handle;
    }
    T await_resume() {
      if constexpr (!std::is_void_v<T>) {
        return std::move(*handle.promise().value);
      }
    }
  };
  Awaiter operator co_await() && {
    CHECK(handle_ != nullptr, "an empty Task was awaited");
    return Awaiter{handle_};
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> h) : handle_(h) {}
  void destroy() {
    if (handle_ != nullptr) {
      handle_.destroy();
    }
  }
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace roadstead::io
