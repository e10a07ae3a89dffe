// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/schema.h"

#include <array>

namespace roadstead::storage::postgres {
namespace {

// Migration N brings a schema from version N to N + 1. Entries are never changed once released.
// Texts are compared bytewise (COLLATE "C"), as the embedded store does.
constexpr std::array<const char*, 1> kMigrations{{
    // `versions` holds every version of every object that is still part of the history; the newest
    // version of a path is its present state. `previous` is the revision that it replaced, 0 for a
    // creation. The row 'revision' of `counters` is the one lock that every writer takes.
    // `writers` tells a hub that lost its connection whether its last transaction was committed.
    R"sql(
CREATE TABLE counters (
  name TEXT COLLATE "C" PRIMARY KEY,
  value BIGINT NOT NULL
) WITH (fillfactor = 50);
INSERT INTO counters VALUES ('revision', 1), ('compacted', 0), ('secret', 0), ('schema', 0);
CREATE TABLE versions (
  revision BIGINT PRIMARY KEY,
  resource TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  previous BIGINT NOT NULL,
  deleted BOOLEAN NOT NULL,
  value BYTEA NOT NULL
);
CREATE UNIQUE INDEX versions_by_path ON versions (resource, path, revision DESC);
CREATE TABLE secrets (
  name TEXT COLLATE "C" PRIMARY KEY,
  version BIGINT NOT NULL,
  bytes BYTEA NOT NULL
);
CREATE TABLE writers (
  name TEXT COLLATE "C" PRIMARY KEY,
  batch BIGINT NOT NULL,
  written TIMESTAMPTZ NOT NULL
)
)sql",
}};

// An advisory lock of two numbers: ours, and the schema's.
constexpr const char* kShared =
    "SELECT pg_try_advisory_lock_shared(1380009540, hashtext('store ' || $1))";
constexpr const char* kAlone = "SELECT pg_try_advisory_lock(1380009540, hashtext('store ' || $1))";
constexpr const char* kMigrating =
    "SELECT pg_advisory_xact_lock(1380009540, hashtext('schema ' || $1))";

Result<void> claim_schema(Connection& connection, const std::string& schema, Claim claim,
                          Deadline deadline) {
  if (claim == Claim::None) {
    return {};
  }
  const bool alone = claim == Claim::Alone;
  TRY(const Rows rows,
      connection.run({alone ? kAlone : kShared, {Param::text(schema)}, false}, deadline));
  if (rows.flag(0, 0)) {
    return {};
  }
  return alone ? Error(ErrorKind::Conflict, "a hub uses this database. Stop it first")
               : Error(ErrorKind::Unavailable, "this database is being migrated");
}

Result<void> migrate(Connection& connection, const std::string& schema, Deadline deadline) {
  TRY(const Rows lock, connection.run({kMigrating, {Param::text(schema)}, false}, deadline));
  TRY_VOID(connection.execute("CREATE SCHEMA IF NOT EXISTS " + schema, deadline));
  TRY(const Rows known,
      connection.run(
          {"SELECT to_regclass($1 || '.counters') IS NOT NULL", {Param::text(schema)}, false},
          deadline));
  std::uint64_t version = 0;
  if (known.flag(0, 0)) {
    TRY(const Rows row,
        connection.run({"SELECT value FROM counters WHERE name = 'schema'", {}, false}, deadline));
    version = row.count() == 0 ? 0 : row.number(0, 0);
  }
  if (version > kMigrations.size()) {
    return Error(ErrorKind::Storage,
                 "the store was written by a newer version of the hub (schema " +
                     std::to_string(version) + ", this program knows " +
                     std::to_string(kMigrations.size()) + "). Use the newer program");
  }
  for (std::size_t next = version; next < kMigrations.size(); ++next) {
    TRY_VOID(connection.execute(kMigrations[next], deadline)
                 .with_context("migration " + std::to_string(next + 1)));
    TRY(const Rows done,
        connection.run(
            {"UPDATE counters SET value = $1 WHERE name = 'schema'", {Param::of(next + 1)}, false},
            deadline));
  }
  return connection.execute("DELETE FROM writers WHERE written < now() - INTERVAL '7 days'; COMMIT",
                            deadline);
}

}  // namespace

Result<void> prepare_session(Connection& connection, const std::string& schema, Claim claim,
                             Duration statement_timeout, Deadline deadline) {
  const std::string milliseconds = std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(statement_timeout).count());
  // A hub that froze inside a transaction would hold the lock of all writers: the server ends it.
  // A server set to lose commits is told not to, for these sessions.
  TRY(const Rows rows,
      connection.run(
          {"SELECT set_config('search_path', $1, false), set_config('statement_timeout', $2, "
           "false), set_config('lock_timeout', '10s', false), "
           "set_config('idle_in_transaction_session_timeout', '10s', false), "
           "set_config('default_transaction_isolation', 'read committed', false), "
           "set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN "
           "('off', 'local') THEN 'on' ELSE current_setting('synchronous_commit') END, false)",
           {Param::text(schema), Param::text(milliseconds)},
           false},
          deadline));
  return claim_schema(connection, schema, claim, deadline);
}

Result<void> prepare_schema(Connection& connection, const std::string& schema, Deadline deadline) {
  TRY_VOID(connection.execute("BEGIN", deadline));
  auto done = migrate(connection, schema, deadline);
  if (!done.ok() && connection.usable()) {
    static_cast<void>(connection.execute("ROLLBACK", deadline));
  }
  return done;
}

}  // namespace roadstead::storage::postgres
