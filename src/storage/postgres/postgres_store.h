// SPDX-License-Identifier: Apache-2.0
// The store in PostgreSQL, for hubs that share it. A writer commits what waits in one transaction;
// a reader and a follower of others' changes have threads and connections of their own
// (docs/adr/0013-postgresql.md). A database that is away is waited for, for `patience`.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "storage/group_commit.h"
#include "storage/postgres/settings.h"
#include "storage/store.h"

namespace roadstead::storage {

struct PostgresOptions {
  PostgresSettings settings;
  std::string schema = "roadstead";              // [a-z_][a-z0-9_]*
  Duration history = std::chrono::minutes(5);    // at least; then changes are forgotten
  Duration patience = std::chrono::seconds(15);  // with a database that is away
  WriteQueueLimits queued_writes;                // beyond: TooManyRequests
  std::size_t queued_reads = 10'000;             // likewise
};

class PostgresStore : public Store {
 public:
  // Blocks while it connects and migrates. The clock must outlive the store.
  static Result<std::unique_ptr<PostgresStore>> open(PostgresOptions options, const Clock& clock,
                                                     Random& random);
};

}  // namespace roadstead::storage
