// SPDX-License-Identifier: Apache-2.0
// The queue in front of a backend's one writer. All writes that wait are given to it as one
// transaction, and are answered after it has been committed. Thread-safe; bounded by number and
// by bytes. Must outlive the tasks that use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "io/event.h"
#include "io/executor.h"
#include "io/shard.h"
#include "io/task.h"
#include "storage/limits.h"

namespace roadstead::storage {

struct Write {
  enum class Verb : unsigned char { Create, Update, Remove, PutSecret, RemoveSecret };
  Verb verb = Verb::Create;
  Key key;                     // a secret's name is key.name
  std::uint64_t expected = 0;  // the revision or version that must be there
  std::string bytes;
  // A revision or version; filled by the writer. Removing a secret gives 0.
  Result<std::uint64_t> result = 0;

  bool is_secret() const { return verb == Verb::PutSecret || verb == Verb::RemoveSecret; }
};

struct WriteQueueLimits {
  std::size_t writes = 10'000;
  std::size_t bytes = 64u << 20;
};

class GroupCommit {
 public:
  // Commits a batch and fills each result. Called on the writer's thread.
  using Commit = UniqueFunction<void(std::span<Write* const>)>;

  // `thread`: where `commit` runs; nullptr: inside write().
  GroupCommit(WriteQueueLimits limits, io::ShardThread* thread, Commit commit)
      : limits_(limits), thread_(thread), commit_(std::move(commit)) {}

  // Fails with TooManyRequests when too much waits already; then nothing was written.
  io::Task<Result<std::uint64_t>> write(io::Executor& executor, Write write);

 private:
  struct Waiting {
    Write* write;
    UniqueFunction<void()> done;
  };
  bool enqueue(Waiting waiting);
  std::vector<Waiting> take();
  void drain();

  const WriteQueueLimits limits_;
  io::ShardThread* thread_;
  Commit commit_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool draining_ = false;
};

// Work of readers on a thread of their own, bounded by number; answers are bounded by page.
class ReadQueue {
 public:
  ReadQueue(std::size_t limit, io::ShardThread* thread) : limit_(limit), thread_(thread) {}

  // Runs `f` (which returns Result<T>) on the thread, or here when there is none.
  template <class T, class F>
  io::Task<Result<T>> run(io::Executor& executor, F f) {
    if (thread_ == nullptr) {
      co_return f();
    }
    if (waiting_.fetch_add(1) >= limit_) {
      --waiting_;
      co_return Error(ErrorKind::TooManyRequests, "too many reads wait for the store");
    }
    std::optional<Result<T>> result;
    io::Event done(executor);
    thread_->shard().post_remote([&] {
      result.emplace(f());
      --waiting_;
      executor.post_remote([&done] { done.set(); });
    });
    co_await done.wait();
    co_return std::move(*result);
  }

 private:
  const std::size_t limit_;
  io::ShardThread* thread_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace roadstead::storage
