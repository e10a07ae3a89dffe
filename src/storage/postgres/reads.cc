// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/reads.h"

#include <algorithm>
#include <array>

#include "storage/answers.h"
#include "storage/limits.h"

namespace roadstead::storage::postgres {
namespace {

// All statements between these two see one moment.
constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* kCommit = "COMMIT";

constexpr const char* kCounters =
    "SELECT (SELECT value FROM counters WHERE name = 'revision'), "
    "(SELECT value FROM counters WHERE name = 'compacted')";

// The newest version of each path up to $4 (0: now), without deleted ones. Ends after the row that
// fills the page; octet_length does not read a long value.
constexpr const char* kList = R"sql(
SELECT revision, path, value FROM (
  SELECT revision, path, value,
         sum(octet_length(value)) OVER (ORDER BY path ROWS UNBOUNDED PRECEDING)
           - octet_length(value) AS before
  FROM (
    SELECT DISTINCT ON (path) revision, path, deleted, value FROM versions
    WHERE resource = $1 AND path > $2 AND (NOT $6 OR path < $3)
      AND ($4 = 0 OR revision <= $4)
    ORDER BY path, revision DESC
  ) newest
  WHERE NOT deleted
) sized
WHERE before <= $7 ORDER BY path LIMIT $5
)sql";

constexpr const char* kChanges = R"sql(
SELECT revision, resource, path, deleted, value, previous, before_value FROM (
  SELECT v.revision, v.resource, v.path, v.deleted, v.value, v.previous, p.value AS before_value,
         sum(octet_length(v.value) + coalesce(octet_length(p.value), 0))
             OVER (ORDER BY v.revision ROWS UNBOUNDED PRECEDING)
           - octet_length(v.value) - coalesce(octet_length(p.value), 0) AS before
  FROM (SELECT * FROM versions WHERE revision > $1 ORDER BY revision LIMIT $2) v
  LEFT JOIN versions p ON p.revision = v.previous
) sized
WHERE before <= $3 ORDER BY revision
)sql";

constexpr std::uint64_t kNoLimit = 1u << 30;

std::array<Query, 4> changes_queries(Revision since, std::size_t limit) {
  return {Query{kBegin, {}}, Query{kCounters, {}},
          Query{kChanges, {Param::of(since), Param::of(limit), Param::of(kMaxPageBytes)}, false},
          Query{kCommit, {}}};
}

Result<Changes> to_changes(const std::vector<Rows>& answers, Revision since) {
  const Revision newest = answers[1].number(0, 0);
  const Revision oldest = answers[1].number(0, 1);
  if (since < oldest) {
    return gone(since, oldest);
  }
  Changes out;
  const Rows& rows = answers[2];
  PageBudget budget;
  for (int i = 0; i < rows.count() && budget.take(rows.size(i, 4) + rows.size(i, 6)); ++i) {
    Change change;
    change.revision = rows.number(i, 0);
    change.key = key_of(rows.text(i, 1), rows.text(i, 2));
    change.deleted = rows.flag(i, 3);
    change.value = rows.text(i, 4);
    if (rows.number(i, 5) != 0) {
      change.previous = rows.text(i, 6);
    }
    out.changes.push_back(std::move(change));
  }
  out.up_to = out.changes.empty() ? since : out.changes.back().revision;
  out.more = out.up_to < newest;
  return out;
}

}  // namespace

Key key_of(std::string resource, const std::string& path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) {
    return Key{std::move(resource), "", path};
  }
  return Key{std::move(resource), path.substr(0, slash), path.substr(slash + 1)};
}

Result<Record> read_record(Session& session, const Key& key) {
  const std::string path = key.path();
  TRY(const Rows rows,
      session.run({"SELECT revision, deleted, value FROM versions WHERE resource = $1 AND path = "
                   "$2 ORDER BY revision DESC LIMIT 1",
                   {Param::text(key.resource), Param::text(path)}}));
  if (rows.count() == 0 || rows.flag(0, 1)) {
    return no_such(key);
  }
  return Record{key, rows.number(0, 0), rows.text(0, 2)};
}

Result<ListPage> read_list(Session& session, const ListQuery& query) {
  const std::string first =
      query.namespace_ ? std::max(query.after, *query.namespace_ + "/") : query.after;
  const std::string end = query.namespace_ ? *query.namespace_ + "0" : "";  // '0' follows '/'
  const std::uint64_t limit = query.limit == 0 ? kNoLimit : query.limit;
  const std::array<Query, 4> queries{
      Query{kBegin, {}}, Query{kCounters, {}},
      Query{kList,
            {Param::text(query.resource), Param::text(first), Param::text(end), Param::of(query.at),
             Param::of(limit + 1), Param::flag(query.namespace_.has_value()),
             Param::of(kMaxPageBytes)},
            false},
      Query{kCommit, {}}};
  TRY(const std::vector<Rows> answers, session.run(queries));
  const Revision newest = answers[1].number(0, 0);
  const Revision oldest = answers[1].number(0, 1);
  ListPage page;
  TRY(page.revision, snapshot_to_read(query.at, newest, oldest));
  const Rows& rows = answers[2];
  PageBudget budget;
  for (int i = 0; i < rows.count(); ++i) {
    if (page.records.size() == limit || !budget.take(rows.size(i, 2))) {
      page.more = true;
      break;
    }
    page.records.push_back(
        {key_of(query.resource, rows.text(i, 1)), rows.number(i, 0), rows.text(i, 2)});
  }
  return page;
}

Result<Revision> read_revision(Session& session) {
  TRY(const Rows rows, session.run({"SELECT value FROM counters WHERE name = 'revision'", {}}));
  return rows.number(0, 0);
}

Result<SealedBlob> read_secret(Session& session, const std::string& name) {
  TRY(const Rows rows,
      session.run({"SELECT version, bytes FROM secrets WHERE name = $1", {Param::text(name)}}));
  if (rows.count() == 0) {
    return no_such_secret(name);
  }
  return SealedBlob{rows.number(0, 0), rows.text(0, 1)};
}

Result<std::vector<std::string>> read_secret_names(Session& session, const std::string& prefix) {
  TRY(const Rows rows,
      session.run({"SELECT name FROM secrets WHERE starts_with(name, $1) ORDER BY name",
                   {Param::text(prefix)}}));
  std::vector<std::string> names;
  for (int i = 0; i < rows.count(); ++i) {
    names.push_back(rows.text(i, 0));
  }
  return names;
}

Result<Changes> read_changes(Session& session, Revision since, std::size_t limit) {
  TRY(const std::vector<Rows> answers, session.run(changes_queries(since, limit)));
  return to_changes(answers, since);
}

Result<Changes> read_changes(Connection& connection, Revision since, std::size_t limit,
                             Deadline deadline) {
  TRY(const std::vector<Rows> answers, connection.run(changes_queries(since, limit), deadline));
  return to_changes(answers, since);
}

}  // namespace roadstead::storage::postgres
