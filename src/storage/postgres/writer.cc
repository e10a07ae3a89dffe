// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/writer.h"

#include <algorithm>
#include <array>

#include "storage/postgres/reads.h"

namespace roadstead::storage::postgres {
namespace {

constexpr Revision kCompactionStep = 2000;
constexpr std::uint64_t kMaxFetchedBytes = 64u << 10;  // of a state before, for the feed
constexpr std::size_t kChangesAtOnce = 500;

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED";
constexpr const char* kLock = "SELECT value FROM counters WHERE name = 'revision' FOR UPDATE";
constexpr const char* kSecretCounter = "SELECT value FROM counters WHERE name = 'secret'";
constexpr const char* kLastBatch = "SELECT batch FROM writers WHERE name = $1";
constexpr const char* kPresent =
    "SELECT revision, deleted, CASE WHEN $3 OR octet_length(value) <= $4 THEN value END "
    "FROM versions WHERE resource = $1 AND path = $2 ORDER BY revision DESC LIMIT 1";
constexpr const char* kSecretVersion = "SELECT version FROM secrets WHERE name = $1";
constexpr const char* kInsert = "INSERT INTO versions VALUES ($1, $2, $3, $4, $5, $6)";
constexpr const char* kPutSecret =
    "INSERT INTO secrets VALUES ($1, $2, $3) "
    "ON CONFLICT (name) DO UPDATE SET version = excluded.version, bytes = excluded.bytes";
constexpr const char* kRemoveSecret = "DELETE FROM secrets WHERE name = $1";
constexpr const char* kSetRevision = "UPDATE counters SET value = $1 WHERE name = 'revision'";
constexpr const char* kSetSecret = "UPDATE counters SET value = $1 WHERE name = 'secret'";
constexpr const char* kSetBatch =
    "INSERT INTO writers VALUES ($1, $2, now()) "
    "ON CONFLICT (name) DO UPDATE SET batch = excluded.batch, written = excluded.written";
constexpr const char* kNotify = "SELECT pg_notify('roadstead_' || $1, $2)";
constexpr const char* kCommit = "COMMIT";

}  // namespace

Result<void> Writer::open() {
  const Deadline deadline = session_.patience();
  TRY(Connection* const connection, session_.connection(deadline));
  return prepare_schema(*connection, options_.schema, deadline)
      .with_context("store " + options_.settings.shown);
}

void Writer::commit(std::span<Write* const> writes) {
  Batch batch(writes);
  Attempt state{++last_number_, false};
  const Deadline deadline = session_.patience();
  for (;;) {
    auto done = attempt(batch, state, deadline);
    if (done.ok()) {
      batch.answer();
      publish(batch, deadline);
      return;
    }
    const bool again = done.error().kind() == ErrorKind::Unavailable;
    if (again && session_.pause(deadline)) {
      continue;
    }
    const std::string& why = done.error().message();
    if (state.in_doubt) {
      batch.fail(Error(ErrorKind::DeadlineExceeded,
                       why + "; whether this write was saved is not known. Read before you "
                             "write again"));
    } else {
      batch.fail(again ? Error(ErrorKind::Unavailable, why + "; this write was not saved")
                       : done.error());
    }
    return;
  }
}

Result<void> Writer::attempt(Batch& batch, Attempt& state, Deadline deadline) {
  TRY(Connection* const connection, session_.connection(deadline));
  auto fresh = read_under_lock(*connection, batch, state, deadline);
  if (!fresh.ok()) {
    roll_back(*connection, deadline);
    return std::move(fresh).error();
  }
  state.in_doubt = false;
  if (!*fresh || !batch.changes_anything()) {
    roll_back(*connection, deadline);
    return {};
  }
  auto written = write_and_commit(*connection, batch, state, deadline);
  if (!written.ok()) {
    roll_back(*connection, deadline);
  }
  return written;
}

// False when the batch turns out to be committed already.
Result<bool> Writer::read_under_lock(Connection& connection, Batch& batch, const Attempt& state,
                                     Deadline deadline) {
  std::vector<Query> queries{
      {kBegin, {}}, {kLock, {}}, {kSecretCounter, {}}, {kLastBatch, {Param::text(name_)}}};
  const std::size_t first_path = queries.size();
  for (const Batch::PathKey& path : batch.paths()) {
    queries.push_back({kPresent,
                       {Param::text(path.resource), Param::text(path.path),
                        Param::flag(path.needs_value), Param::of(kMaxFetchedBytes)}});
  }
  const std::size_t first_secret = queries.size();
  for (const std::string& name : batch.secrets()) {
    queries.push_back({kSecretVersion, {Param::text(name)}});
  }
  TRY(const std::vector<Rows> answers, connection.run(queries, deadline));
  const Rows& last_batch = answers[3];
  if (state.in_doubt && last_batch.count() == 1 && last_batch.number(0, 0) == state.number) {
    return false;
  }
  std::vector<Batch::Present> paths;
  for (std::size_t i = first_path; i < first_secret; ++i) {
    const Rows& rows = answers[i];
    if (rows.count() == 0 || rows.flag(0, 1)) {
      paths.emplace_back();
      continue;
    }
    paths.push_back(
        {rows.number(0, 0), rows.null(0, 2) ? std::nullopt : std::optional(rows.text(0, 2))});
  }
  std::vector<std::uint64_t> secrets;
  for (std::size_t i = first_secret; i < answers.size(); ++i) {
    secrets.push_back(answers[i].count() == 0 ? 0 : answers[i].number(0, 0));
  }
  batch.plan(answers[1].number(0, 0), answers[2].number(0, 0), std::move(paths),
             std::move(secrets));
  return true;
}

Result<void> Writer::write_and_commit(Connection& connection, const Batch& batch, Attempt& state,
                                      Deadline deadline) {
  std::vector<Query> queries;
  for (const Batch::Insert& insert : batch.inserts()) {
    queries.push_back(
        {kInsert,
         {Param::of(insert.revision), Param::text(insert.key->resource), Param::text(insert.path),
          Param::of(insert.previous), Param::flag(insert.deleted), Param::blob(insert.value)}});
  }
  for (const Batch::SecretChange& change : batch.secret_changes()) {
    if (change.version == 0) {
      queries.push_back({kRemoveSecret, {Param::text(change.name)}});
    } else {
      queries.push_back(
          {kPutSecret,
           {Param::text(change.name), Param::of(change.version), Param::blob(change.bytes)}});
    }
  }
  queries.push_back({kSetRevision, {Param::of(batch.revision())}});
  queries.push_back({kSetSecret, {Param::of(batch.secret())}});
  queries.push_back({kSetBatch, {Param::text(name_), Param::of(state.number)}});
  const std::string revision = std::to_string(batch.revision());
  if (!batch.inserts().empty()) {
    queries.push_back({kNotify, {Param::text(options_.schema), Param::text(revision)}});
  }
  queries.push_back({kCommit, {}});
  const auto answers = connection.run(queries, deadline);
  if (!answers.ok()) {
    // An answer to the end is a refusal, which undid all. Otherwise the commit may have happened.
    state.in_doubt = !connection.usable();
    return answers.error();
  }
  return {};
}

void Writer::roll_back(Connection& connection, Deadline deadline) {
  if (!connection.usable() || !connection.run({"ROLLBACK", {}}, deadline).ok()) {
    session_.drop();
  }
}

// Before the writes are answered, so that a writer who then asks for changes finds its own.
void Writer::publish(const Batch& batch, Deadline deadline) {
  auto changes = batch.changes();
  if (changes && feed_.publish(std::move(*changes))) {
    return;
  }
  // Others have written in between, or a state was too big to fetch.
  while (feed_.revision() < batch.revision()) {
    auto connection = session_.connection(deadline);
    if (!connection.ok()) {
      return;  // the follower goes on
    }
    auto missing = read_changes(**connection, feed_.revision(), kChangesAtOnce, deadline);
    if (!missing.ok()) {
      session_.drop();
      return;
    }
    if (!feed_.publish(std::move(missing->changes))) {
      return;
    }
  }
}

Result<Revision> Writer::compact(Revision boundary) {
  const Deadline deadline = session_.patience();
  TRY(Connection* const connection, session_.connection(deadline));
  const auto steps = [&]() -> Result<Revision> {
    const std::array<Query, 2> lock{
        Query{kBegin, {}},
        Query{"SELECT value FROM counters WHERE name = 'compacted' FOR UPDATE", {}}};
    TRY(const std::vector<Rows> rows, connection->run(lock, deadline));
    const Revision from = rows[1].number(0, 0);
    const Revision to = std::min(boundary, from + kCompactionStep);
    if (to <= from) {
      TRY_VOID(connection->execute(kCommit, deadline));
      return from;
    }
    // What was replaced by a change up to `to` is of no use to a reader at `to` or later.
    const std::array<Query, 4> steps{
        Query{"DELETE FROM versions WHERE revision IN (SELECT previous FROM versions "
              "WHERE revision > $1 AND revision <= $2 AND previous > 0)",
              {Param::of(from), Param::of(to)}},
        Query{"DELETE FROM versions WHERE revision > $1 AND revision <= $2 AND deleted",
              {Param::of(from), Param::of(to)}},
        Query{"UPDATE counters SET value = $1 WHERE name = 'compacted'", {Param::of(to)}},
        Query{kCommit, {}}};
    TRY(const std::vector<Rows> done, connection->run(steps, deadline));
    return to;
  };
  auto done = steps();
  if (!done.ok()) {
    roll_back(*connection, deadline);
  }
  return done;
}

}  // namespace roadstead::storage::postgres
