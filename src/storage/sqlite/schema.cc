// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/schema.h"

#include <array>

namespace roadstead::storage {
namespace {

constexpr std::uint64_t kApplicationId = 0x52444244;  // "RDBD": marks the file as ours

// Migration N brings a file from version N to N + 1. Entries are never changed once released.
constexpr std::array<const char*, 1> kMigrations{{
    // Every version of every object that is still part of the history; the newest version of a path
    // is its present state. `previous` is the revision that it replaced, 0 for a creation.
    R"sql(
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('revision', 1), ('compacted', 0), ('secret', 0);
CREATE TABLE versions (
  revision INTEGER PRIMARY KEY,
  resource TEXT NOT NULL,
  path TEXT NOT NULL,
  previous INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX versions_by_path ON versions (resource, path, revision);
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
}};

}  // namespace

Result<void> configure_writer(Connection& connection) {
  // FULL: a commit is on disk before it is acknowledged.
  return connection.execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
      "PRAGMA secure_delete=FAST; PRAGMA wal_autocheckpoint=4000;");
}

Result<void> prepare_schema(Connection& connection) {
  TRY(const std::uint64_t version, connection.read_number("PRAGMA user_version"));
  TRY(const std::uint64_t application, connection.read_number("PRAGMA application_id"));
  TRY(const std::uint64_t tables, connection.read_number("SELECT count(*) FROM sqlite_schema"));
  if (tables > 0 && application != kApplicationId) {
    return Error(ErrorKind::Storage,
                 "the file is a database of another program. Give another path");
  }
  if (version > kMigrations.size()) {
    return Error(ErrorKind::Storage,
                 "the store was written by a newer version of the hub (schema " +
                     std::to_string(version) + ", this program knows " +
                     std::to_string(kMigrations.size()) + "). Use the newer program");
  }
  TRY(const std::string damage, connection.read_text("PRAGMA quick_check(1)"));
  if (damage != "ok") {
    return Error(ErrorKind::Storage, "the database is damaged: " + damage + ". Restore a backup");
  }
  for (std::size_t next = version; next < kMigrations.size(); ++next) {
    std::string sql = "BEGIN IMMEDIATE;";
    sql += kMigrations[next];
    sql += "PRAGMA application_id=" + std::to_string(kApplicationId) + ";";
    sql += "PRAGMA user_version=" + std::to_string(next + 1) + ";COMMIT;";
    auto done = connection.execute(sql);
    if (!done.ok()) {
      static_cast<void>(connection.execute("ROLLBACK"));
      return std::move(done).with_context("migration " + std::to_string(next + 1)).error();
    }
  }
  return {};
}

}  // namespace roadstead::storage
