// SPDX-License-Identifier: Apache-2.0
// A Shard is one thread with one epoll set, a queue of ready coroutines and its timers. A hub has
// one for each core, an Agent has one. Built and destroyed by `main`; `run()` is called by exactly
// one thread, and everything that lives on the shard is touched by that thread only.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "io/executor.h"
#include "io/keep.h"
#include "io/task.h"

namespace roadstead::io {

class FdWatcher;

class Shard final : public Executor {
 public:
  explicit Shard(const Clock& clock);
  ~Shard() override;

  // Serves until stop(). What is queued when stop() is called is dropped.
  void run();
  void stop();  // from any thread
  void post_remote(UniqueFunction<void()> f) override;
  // How often the loop has looked for work.
  std::uint64_t turns() const { return turns_; }

  // Runs the loop on the calling thread until the task has ended. For main() and tests.
  void run_until_done(Task<void> task);
  // The same for a task with a result: `TRY(x, shard.wait_for(f()))`.
  template <class T>
  T wait_for(Task<T> task) {
    std::optional<T> out;
    run_until_done(keep(std::move(task), &out));
    return std::move(*out);
  }

 private:
  friend class FdWatcher;
  void add(FdWatcher& watcher);
  void remove(FdWatcher& watcher);
  void turn();
  void yield_later(std::coroutine_handle<> h) override { yielded_.push_back(h); }
  int wait_milliseconds() const;
  void take_remote();

  int epoll_;
  int wake_fd_;
  std::uint64_t turns_ = 0;
  std::vector<std::coroutine_handle<>> yielded_;  // run again after the next look at descriptors
  std::atomic<bool> stopping_{false};
  std::mutex remote_mutex_;
  std::vector<UniqueFunction<void()>> remote_;
};

// A Shard with its own thread; stops and joins when destroyed.
class ShardThread {
 public:
  explicit ShardThread(const Clock& clock) : shard_(clock), thread_([this] { shard_.run(); }) {}
  ~ShardThread() {
    shard_.stop();
    thread_.join();
  }
  Shard& shard() { return shard_; }

 private:
  Shard shard_;
  std::thread thread_;
};

}  // namespace roadstead::io
