// SPDX-License-Identifier: Apache-2.0
// The embedded store. Writes queue up for one writer thread that commits all that wait in one
// transaction (group commit); reads run on a thread and connection of their own. A file belongs to
// one process at a time.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "storage/object_store.h"
#include "storage/secret_store.h"

namespace roadstead::storage {

struct SqliteOptions {
  std::string path;                            // ":memory:" for one that lives in memory
  Duration history = std::chrono::minutes(5);  // at least; then changes are forgotten
  std::size_t max_queued_writes = 10'000;      // beyond: TooManyRequests
  // Everything on the calling thread: for the simulated world.
  bool inline_execution = false;
};

class SqliteStore : public ObjectStore, public SecretStore {
 public:
  // Blocks while it checks and migrates. The clock must outlive the store.
  static Result<std::unique_ptr<SqliteStore>> open(SqliteOptions options, const Clock& clock);

  // Writes a consistent copy while the store goes on. `path` must not exist; it appears whole.
  virtual io::Task<Result<void>> backup(io::Executor& executor, std::string path) = 0;
  // Forgets what history allows now; otherwise done beside writes, every few seconds.
  virtual io::Task<Result<void>> compact(io::Executor& executor) = 0;
};

}  // namespace roadstead::storage
