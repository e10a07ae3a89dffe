// SPDX-License-Identifier: Apache-2.0
// Commits batches of writes. One transaction is two round trips: (1) take the lock of all writers,
// the row 'revision' of `counters`, and read what the writes compare with; (2) insert, move the
// counters, notify, commit. The lock is held until the commit is visible, so revisions become
// visible in their order whoever writes, and none is missing.
//
// A connection lost in (2) leaves open what happened. The next attempt takes the same lock, which
// the lost transaction holds until it has ended, and then looks whether this writer's row in
// `writers` has the batch's number: so a write is answered with what is true, and never done twice.
//
// Lives on the writer's thread.
#pragma once

#include <span>

#include "storage/change_feed.h"
#include "storage/postgres/batch.h"
#include "storage/postgres/session.h"

namespace roadstead::storage::postgres {

class Writer {
 public:
  // `name` is this store's own, different at every start.
  Writer(const SessionOptions& options, const Clock& clock, const Wakeup& stop, ChangeFeed& feed,
         std::string name)
      : options_(options), session_(options, clock, stop), feed_(feed), name_(std::move(name)) {}

  Result<void> open();  // migrates
  void commit(std::span<Write* const> writes);
  // Forgets history up to `boundary`, at most 2,000 revisions in a call. Gives what is forgotten.
  Result<Revision> compact(Revision boundary);
  Session& session() { return session_; }

 private:
  struct Attempt {
    std::uint64_t number = 0;
    bool in_doubt = false;  // a commit was sent, and its end not seen
  };
  Result<void> attempt(Batch& batch, Attempt& state, Deadline deadline);
  Result<bool> read_under_lock(Connection& connection, Batch& batch, const Attempt& state,
                               Deadline deadline);
  Result<void> write_and_commit(Connection& connection, const Batch& batch, Attempt& state,
                                Deadline deadline);
  void roll_back(Connection& connection, Deadline deadline);
  void publish(const Batch& batch, Deadline deadline);

  const SessionOptions& options_;
  Session session_;
  ChangeFeed& feed_;
  const std::string name_;
  std::uint64_t last_number_ = 0;
};

}  // namespace roadstead::storage::postgres
