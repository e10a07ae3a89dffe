// SPDX-License-Identifier: Apache-2.0
#include "storage/group_commit.h"

#include <algorithm>
#include <iterator>

namespace roadstead::storage {
namespace {

constexpr std::size_t kOverhead = 256;

std::size_t size_of(const Write& write) {
  return write.bytes.size() + write.key.resource.size() + write.key.namespace_.size() +
         write.key.name.size() + kOverhead;
}

Result<void> check(const Write& write) {
  TRY_VOID(write.is_secret() ? check_secret_name(write.key.name) : check_key(write.key));
  return check_value(write.bytes.size());
}

}  // namespace

io::Task<Result<std::uint64_t>> GroupCommit::write(io::Executor& executor, Write write) {
  CO_TRY_VOID(check(write));
  io::Event done(executor);
  const bool queued =
      enqueue({&write, [&done, &executor] { executor.post_remote([&done] { done.set(); }); }});
  if (!queued) {
    co_return Error(ErrorKind::TooManyRequests,
                    "too many writes wait for the store; nothing was written");
  }
  co_await done.wait();
  co_return std::move(write.result);
}

bool GroupCommit::enqueue(Waiting waiting) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = size_of(*waiting.write);
    if (waiting_.size() >= limits_.writes ||
        (!waiting_.empty() && waiting_bytes_ + bytes > limits_.bytes)) {
      return false;
    }
    waiting_bytes_ += bytes;
    waiting_.push_back(std::move(waiting));
    if (std::exchange(draining_, true)) {
      return true;
    }
  }
  if (thread_ != nullptr) {
    thread_->shard().post_remote([this] { drain(); });
  } else {
    drain();
  }
  return true;
}

std::vector<GroupCommit::Waiting> GroupCommit::take() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < waiting_.size() && count < kMaxBatchWrites) {
    const std::size_t next = size_of(*waiting_[count].write);
    if (count > 0 && bytes + next > kMaxBatchBytes) {
      break;
    }
    bytes += next;
    ++count;
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Waiting> batch(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  waiting_bytes_ -= bytes;
  draining_ = !batch.empty();
  return batch;
}

void GroupCommit::drain() {
  for (std::vector<Waiting> batch = take(); !batch.empty(); batch = take()) {
    std::vector<Write*> writes;
    writes.reserve(batch.size());
    std::transform(batch.begin(), batch.end(), std::back_inserter(writes),
                   [](const Waiting& waiting) { return waiting.write; });
    commit_(writes);
    for (Waiting& waiting : batch) {
      waiting.done();
    }
  }
}

}  // namespace roadstead::storage
