// SPDX-License-Identifier: Apache-2.0
// The embedded store. Writes queue up for one writer thread that commits all that wait in one
// transaction (group commit); reads run on a thread and connection of their own. A file belongs to
// one process at a time.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "storage/group_commit.h"
#include "storage/store.h"

namespace roadstead::storage {

struct SqliteOptions {
  std::string path;                            // ":memory:" for one that lives in memory
  Duration history = std::chrono::minutes(5);  // at least; then changes are forgotten
  WriteQueueLimits queued_writes;              // beyond: TooManyRequests
  std::size_t queued_reads = 10'000;           // likewise
  // Everything on the calling thread: for the simulated world.
  bool inline_execution = false;
};

class SqliteStore : public Store {
 public:
  // Blocks while it checks and migrates. The clock must outlive the store.
  static Result<std::unique_ptr<SqliteStore>> open(SqliteOptions options, const Clock& clock);
};

// Writes a consistent copy of a store, which another process may be using meanwhile. `to` must not
// exist; it appears whole, or not at all. Blocks.
Result<void> backup_sqlite(const std::string& from, const std::string& to);

}  // namespace roadstead::storage
