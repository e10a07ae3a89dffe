// SPDX-License-Identifier: Apache-2.0
// What was committed lately, kept in memory so that watchers need no SQL, and who wants to hear of
// commits. Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/object_store.h"

namespace roadstead::storage {

class ChangeFeed {
 public:
  // `revision`: everything up to here is committed and known to be older. Tells the listeners.
  void start_at(Revision revision);
  // Takes over what is new in an unbroken run of changes. False, and nothing is taken, when the run
  // begins after a gap: what lies between must be published first.
  bool publish(std::vector<Change> changes);

  Revision revision() const;
  // nullopt when the feed does not reach back that far.
  std::optional<Changes> since(Revision since, std::size_t limit) const;

  std::unique_ptr<Subscription> subscribe(io::Executor& executor, UniqueFunction<void()> on_commit);

 private:
  struct Listener;
  class Handle;

  void tell_listeners();

  mutable std::mutex mutex_;
  std::deque<Change> recent_;
  std::size_t recent_bytes_ = 0;
  Revision before_recent_ = 0;  // recent_ holds all that came after
  Revision revision_ = 0;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace roadstead::storage
