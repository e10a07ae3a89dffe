// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_transfer.h"

#include <array>

#include "storage/limits.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"

namespace roadstead::storage {
namespace {

using postgres::Connection;
using postgres::Param;
using postgres::Query;
using postgres::Rows;

constexpr Duration kStatementTimeout = std::chrono::minutes(10);
constexpr std::uint64_t kRowsAtOnce = 16;  // of at most kMaxValueBytes

constexpr const char* kCounters =
    "SELECT (SELECT value FROM counters WHERE name = 'revision'), "
    "(SELECT value FROM counters WHERE name = 'compacted'), "
    "(SELECT value FROM counters WHERE name = 'secret')";

// A connection with one open transaction.
class TransferConnection {
 public:
  static Result<std::unique_ptr<TransferConnection>> open(const PostgresOptions& options,
                                                          postgres::Claim claim) {
    auto out = std::make_unique<TransferConnection>();
    TRY(out->connection_, Connection::open(options.settings, out->clock_, out->deadline()));
    TRY_VOID(postgres::prepare_session(*out->connection_, options.schema, claim, kStatementTimeout,
                                       out->deadline()));
    TRY_VOID(postgres::prepare_schema(*out->connection_, options.schema, out->deadline()));
    // Copying a page takes the other side as long as it takes.
    TRY_VOID(out->execute("SET idle_in_transaction_session_timeout = 0"));
    return out;
  }
  Result<void> execute(const std::string& sql) { return connection_->execute(sql, deadline()); }
  Result<Rows> run(Query query) { return connection_->run(std::move(query), deadline()); }
  Result<void> run_all(const std::vector<Query>& queries) {
    TRY(const std::vector<Rows> rows, connection_->run(queries, deadline()));
    return {};
  }
  Result<StoreCounters> counters() {
    TRY(const Rows rows, run({kCounters, {}}));
    return StoreCounters{rows.number(0, 0), rows.number(0, 1), rows.number(0, 2)};
  }

 private:
  Deadline deadline() const { return Deadline::after(clock_, kStatementTimeout); }
  SystemClock clock_;
  std::unique_ptr<Connection> connection_;
};

class PostgresSource final : public TransferSource {
 public:
  explicit PostgresSource(std::unique_ptr<TransferConnection> connection)
      : connection_(std::move(connection)) {}

  Result<StoreCounters> counters() override { return connection_->counters(); }
  Result<std::vector<VersionRow>> versions_after(Revision revision) override {
    TRY(const Rows rows,
        connection_->run({"SELECT revision, resource, path, previous, deleted, value FROM versions "
                          "WHERE revision > $1 ORDER BY revision LIMIT $2",
                          {Param::of(revision), Param::of(kRowsAtOnce)}}));
    std::vector<VersionRow> out;
    for (int i = 0; i < rows.count(); ++i) {
      out.push_back({rows.number(i, 0), rows.text(i, 1), rows.text(i, 2), rows.number(i, 3),
                     rows.flag(i, 4), rows.text(i, 5)});
    }
    return out;
  }
  Result<std::vector<SecretRow>> secrets_after(const std::string& name) override {
    TRY(const Rows rows, connection_->run({"SELECT name, version, bytes FROM secrets "
                                           "WHERE name > $1 ORDER BY name LIMIT $2",
                                           {Param::text(name), Param::of(kRowsAtOnce)}}));
    std::vector<SecretRow> out;
    for (int i = 0; i < rows.count(); ++i) {
      out.push_back({rows.text(i, 0), rows.number(i, 1), rows.text(i, 2)});
    }
    return out;
  }

 private:
  std::unique_ptr<TransferConnection> connection_;
};

class PostgresTarget final : public TransferTarget {
 public:
  explicit PostgresTarget(std::unique_ptr<TransferConnection> connection)
      : connection_(std::move(connection)) {}

  Result<void> add(const std::vector<VersionRow>& rows) override {
    std::vector<Query> queries;
    for (const VersionRow& row : rows) {
      queries.push_back(
          {"INSERT INTO versions VALUES ($1, $2, $3, $4, $5, $6)",
           {Param::of(row.revision), Param::text(row.resource), Param::text(row.path),
            Param::of(row.previous), Param::flag(row.deleted), Param::blob(row.value)}});
    }
    return connection_->run_all(queries);
  }
  Result<void> add(const std::vector<SecretRow>& rows) override {
    std::vector<Query> queries;
    for (const SecretRow& row : rows) {
      queries.push_back({"INSERT INTO secrets VALUES ($1, $2, $3)",
                         {Param::text(row.name), Param::of(row.version), Param::blob(row.bytes)}});
    }
    return connection_->run_all(queries);
  }
  Result<void> finish(const StoreCounters& counters) override {
    constexpr const char* kSet = "UPDATE counters SET value = $2 WHERE name = $1";
    return connection_->run_all({{kSet, {Param::text("revision"), Param::of(counters.revision)}},
                                 {kSet, {Param::text("compacted"), Param::of(counters.compacted)}},
                                 {kSet, {Param::text("secret"), Param::of(counters.secret)}},
                                 {"COMMIT", {}}});
  }

 private:
  std::unique_ptr<TransferConnection> connection_;
};

}  // namespace

Result<std::unique_ptr<TransferSource>> postgres_source(const PostgresOptions& options,
                                                        SourceUse use) {
  TRY(auto connection,
      TransferConnection::open(
          options, use == SourceUse::Alone ? postgres::Claim::Alone : postgres::Claim::None));
  TRY_VOID(connection->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  return std::unique_ptr<TransferSource>(std::make_unique<PostgresSource>(std::move(connection)));
}

Result<std::unique_ptr<TransferTarget>> postgres_target(const PostgresOptions& options) {
  TRY(auto connection, TransferConnection::open(options, postgres::Claim::Alone));
  TRY_VOID(connection->execute("BEGIN ISOLATION LEVEL READ COMMITTED"));
  TRY(const StoreCounters counters, connection->counters());
  if (counters.revision != 1 || counters.secret != 0) {
    return Error(ErrorKind::AlreadyExists, "the database " + options.settings.shown +
                                               " holds a store already. Give an empty one");
  }
  return std::unique_ptr<TransferTarget>(std::make_unique<PostgresTarget>(std::move(connection)));
}

}  // namespace roadstead::storage
