// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_transfer.h"

#include <sys/stat.h>

#include "storage/limits.h"
#include "storage/sqlite/file_lock.h"
#include "storage/sqlite/new_file.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::storage {
namespace {

constexpr std::uint64_t kRowsAtOnce = 1000;

Result<void> must_exist(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    return Error(ErrorKind::NotFound, "there is no store " + path);
  }
  return {};
}

class SqliteSource final : public TransferSource {
 public:
  SqliteSource(FileLock lock, std::unique_ptr<Connection> connection)
      : lock_(std::move(lock)), connection_(std::move(connection)) {}

  Result<StoreCounters> counters() override {
    StoreCounters out;
    TRY(out.revision,
        connection_->read_number("SELECT value FROM counters WHERE name = 'revision'"));
    TRY(out.compacted,
        connection_->read_number("SELECT value FROM counters WHERE name = 'compacted'"));
    TRY(out.secret, connection_->read_number("SELECT value FROM counters WHERE name = 'secret'"));
    return out;
  }
  Result<std::vector<VersionRow>> versions_after(Revision revision) override {
    Statement statement = connection_->prepare(
        "SELECT revision, resource, path, previous, deleted, value FROM versions "
        "WHERE revision > ?1 ORDER BY revision LIMIT ?2");
    statement.bind(1, revision).bind(2, kRowsAtOnce);
    std::vector<VersionRow> rows;
    PageBudget budget;
    for (;;) {
      TRY(const bool row, statement.step());
      if (!row || !budget.take(statement.size(5))) {
        return rows;
      }
      rows.push_back({statement.number(0), statement.text(1), statement.text(2),
                      statement.number(3), statement.number(4) != 0, statement.text(5)});
    }
  }
  Result<std::vector<SecretRow>> secrets_after(const std::string& name) override {
    Statement statement = connection_->prepare(
        "SELECT name, version, bytes FROM secrets WHERE name > ?1 ORDER BY name LIMIT ?2");
    statement.bind(1, name).bind(2, kRowsAtOnce);
    std::vector<SecretRow> rows;
    PageBudget budget;
    for (;;) {
      TRY(const bool row, statement.step());
      if (!row || !budget.take(statement.size(2))) {
        return rows;
      }
      rows.push_back({statement.text(0), statement.number(1), statement.text(2)});
    }
  }

 private:
  FileLock lock_;
  std::unique_ptr<Connection> connection_;
};

class SqliteTarget final : public TransferTarget {
 public:
  SqliteTarget(NewFile file, std::unique_ptr<Connection> connection)
      : file_(std::move(file)), connection_(std::move(connection)) {}

  Result<void> add(const std::vector<VersionRow>& rows) override {
    for (const VersionRow& row : rows) {
      Statement statement =
          connection_->prepare("INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
      statement.bind(1, row.revision).bind(2, row.resource).bind(3, row.path);
      statement.bind(4, row.previous).bind(5, std::uint64_t{row.deleted}).bind_blob(6, row.value);
      TRY_VOID(statement.run());
    }
    return {};
  }
  Result<void> add(const std::vector<SecretRow>& rows) override {
    for (const SecretRow& row : rows) {
      Statement statement = connection_->prepare("INSERT INTO secrets VALUES (?1, ?2, ?3)");
      statement.bind(1, row.name).bind(2, row.version).bind_blob(3, row.bytes);
      TRY_VOID(statement.run());
    }
    return {};
  }
  Result<void> finish(const StoreCounters& counters) override {
    TRY_VOID(set("revision", counters.revision));
    TRY_VOID(set("compacted", counters.compacted));
    TRY_VOID(set("secret", counters.secret));
    TRY_VOID(connection_->execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"));
    connection_.reset();
    return file_.publish();
  }

 private:
  Result<void> set(std::string_view name, std::uint64_t value) {
    Statement statement = connection_->prepare("UPDATE counters SET value = ?2 WHERE name = ?1");
    statement.bind(1, name).bind(2, value);
    return statement.run();
  }

  NewFile file_;  // outlives the connection
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<TransferSource>> sqlite_source(const std::string& path) {
  TRY_VOID(must_exist(path));
  TRY(FileLock lock, FileLock::acquire(path));
  TRY(auto connection, Connection::open(path, Connection::Access::ReadWrite));
  TRY_VOID(configure_writer(*connection));
  TRY_VOID(prepare_schema(*connection).with_context("store " + path));
  TRY_VOID(connection->execute("BEGIN"));
  return std::unique_ptr<TransferSource>(
      std::make_unique<SqliteSource>(std::move(lock), std::move(connection)));
}

Result<std::unique_ptr<TransferTarget>> sqlite_target(const std::string& path) {
  TRY(NewFile file, NewFile::create(path));
  TRY(auto connection, Connection::open(file.partial(), Connection::Access::ReadWrite));
  TRY_VOID(configure_writer(*connection));
  TRY_VOID(prepare_schema(*connection));
  TRY_VOID(connection->execute("BEGIN IMMEDIATE"));
  return std::unique_ptr<TransferTarget>(
      std::make_unique<SqliteTarget>(std::move(file), std::move(connection)));
}

Result<void> backup_sqlite(const std::string& from, const std::string& to) {
  TRY_VOID(must_exist(from));
  TRY(NewFile file, NewFile::create(to));
  {
    TRY(auto source, Connection::open(from, Connection::Access::ReadOnly));
    TRY_VOID(source->backup_to(file.partial()));
  }
  {
    TRY(auto copy, Connection::open(file.partial(), Connection::Access::ReadWrite));
    TRY_VOID(prepare_schema(*copy).with_context("the copy"));
    TRY_VOID(copy->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  return file.publish();
}

}  // namespace roadstead::storage
