// SPDX-License-Identifier: Apache-2.0
#include "storage/change_feed.h"

#include <algorithm>
#include <atomic>

#include "storage/limits.h"

namespace roadstead::storage {
namespace {

constexpr std::size_t kMaxChanges = 4096;
constexpr std::size_t kMaxBytes = 4u << 20;

std::size_t size_of(const Change& change) {
  return change.value.size() + (change.previous ? change.previous->size() : 0) + 128;
}

}  // namespace

struct ChangeFeed::Listener {
  Listener(io::Executor& e, UniqueFunction<void()> f) : executor(e), on_commit(std::move(f)) {}
  io::Executor& executor;
  UniqueFunction<void()> on_commit;  // touched on the executor only; empty once unsubscribed
  std::atomic<bool> queued{false};
};

class ChangeFeed::Handle final : public Subscription {
 public:
  explicit Handle(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
  ~Handle() override { listener_->on_commit = nullptr; }

 private:
  std::shared_ptr<Listener> listener_;
};

void ChangeFeed::start_at(Revision revision) {
  const std::lock_guard lock(mutex_);
  revision_ = revision;
  before_recent_ = revision;
  recent_.clear();
  recent_bytes_ = 0;
  tell_listeners();
}

bool ChangeFeed::publish(std::vector<Change> changes) {
  const std::lock_guard lock(mutex_);
  if (changes.empty() || changes.back().revision <= revision_) {
    return true;
  }
  if (changes.front().revision > revision_ + 1) {
    return false;
  }
  for (Change& change : changes) {
    if (change.revision > revision_) {
      revision_ = change.revision;
      recent_bytes_ += size_of(change);
      recent_.push_back(std::move(change));
    }
  }
  while (recent_.size() > kMaxChanges || recent_bytes_ > kMaxBytes) {
    recent_bytes_ -= size_of(recent_.front());
    before_recent_ = recent_.front().revision;
    recent_.pop_front();
  }
  tell_listeners();
  return true;
}

void ChangeFeed::tell_listeners() {
  std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : listeners_) {
    const std::shared_ptr<Listener> listener = weak.lock();
    if (listener != nullptr && !listener->queued.exchange(true)) {
      listener->executor.post_remote([listener] {
        listener->queued = false;
        if (listener->on_commit) {
          listener->on_commit();
        }
      });
    }
  }
}

Revision ChangeFeed::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

std::optional<Changes> ChangeFeed::since(Revision since, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  if (since < before_recent_) {
    return std::nullopt;
  }
  auto next = std::upper_bound(recent_.begin(), recent_.end(), since,
                               [](Revision r, const Change& c) { return r < c.revision; });
  Changes out;
  PageBudget budget;
  for (; next != recent_.end() && out.changes.size() < limit && budget.take(size_of(*next));
       ++next) {
    out.changes.push_back(*next);
  }
  out.more = next != recent_.end();
  out.up_to = out.more ? out.changes.back().revision : std::max(revision_, since);
  return out;
}

std::unique_ptr<Subscription> ChangeFeed::subscribe(io::Executor& executor,
                                                    UniqueFunction<void()> on_commit) {
  auto listener = std::make_shared<Listener>(executor, std::move(on_commit));
  const std::lock_guard lock(mutex_);
  listeners_.push_back(listener);
  return std::make_unique<Handle>(std::move(listener));
}

}  // namespace roadstead::storage
