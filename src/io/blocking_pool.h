// SPDX-License-Identifier: Apache-2.0
// A few threads for work that blocks: name resolution, SQLite, argon2id, files. The queue is
// bounded: beyond it `run` fails with TooManyRequests instead of waiting.
// Built before and destroyed after the shards' tasks that use it; executors outlive the pool.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "io/event.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::io {

class BlockingPool {
 public:
  BlockingPool(std::size_t threads, std::size_t queue_limit);
  ~BlockingPool();  // finishes what is queued

  // Runs `f` (which returns Result<T>) on a pool thread; the caller goes on on `executor`.
  template <class F>
  auto run(Executor& executor, F f) -> Task<decltype(f())> {
    using R = decltype(f());
    std::optional<R> result;
    Event done(executor);
    const bool accepted = submit([&result, &done, &executor, &f] {
      result.emplace(f());
      executor.post_remote([&done] { done.set(); });
    });
    if (!accepted) {
      co_return Error(ErrorKind::TooManyRequests, "too much blocking work is queued; try again");
    }
    co_await done.wait();
    co_return std::move(*result);
  }

  // Runs `work` on a pool thread; false when the queue is full. For callers that may leave before
  // the work has ended: `work` owns all it touches.
  bool submit(UniqueFunction<void()> work);

 private:
  void work();

  std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<UniqueFunction<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace roadstead::io
