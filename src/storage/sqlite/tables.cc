// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/tables.h"

#include <algorithm>

#include "storage/answers.h"
#include "storage/limits.h"

namespace roadstead::storage {

Key key_of(std::string resource, const std::string& path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) {
    return Key{std::move(resource), "", path};
  }
  return Key{std::move(resource), path.substr(0, slash), path.substr(slash + 1)};
}

namespace {

constexpr Revision kCompactionStep = 2000;

Result<std::uint64_t> counter(Connection& connection, std::string_view name) {
  Statement statement = connection.prepare("SELECT value FROM counters WHERE name = ?1");
  statement.bind(1, name);
  TRY(const bool row, statement.step());
  return row ? statement.number(0) : 0;
}

// A deferred transaction: all reads in its life see one moment.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) {
    begun_ = connection_.prepare("BEGIN").run().ok();
  }
  ~Snapshot() {
    if (begun_) {
      static_cast<void>(connection_.prepare("COMMIT").run());
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Connection& connection_;
  bool begun_;  // false inside the writer's own transaction
};

// Past every path of the namespace: '0' follows '/'.
std::string end_of_namespace(const std::string& ns) { return ns + "0"; }

}  // namespace

Result<Record> read_record(Connection& connection, const Key& key) {
  const std::string path = key.path();
  Statement statement = connection.prepare(
      "SELECT revision, deleted, value FROM versions WHERE resource = ?1 AND path = ?2 "
      "ORDER BY revision DESC LIMIT 1");
  statement.bind(1, key.resource).bind(2, path);
  TRY(const bool row, statement.step());
  if (!row || statement.number(1) != 0) {
    return no_such(key);
  }
  return Record{key, statement.number(0), statement.text(2)};
}

Result<ListPage> read_list(Connection& connection, const ListQuery& query) {
  const Snapshot snapshot(connection);
  ListPage page;
  TRY(const Revision newest, counter(connection, "revision"));
  TRY(const Revision oldest, counter(connection, "compacted"));
  TRY(page.revision, snapshot_to_read(query.at, newest, oldest));
  const std::string after =
      query.namespace_ ? std::max(query.after, *query.namespace_ + "/") : query.after;
  const std::string end = query.namespace_ ? end_of_namespace(*query.namespace_) : "\x7f";
  Statement newest_of = connection.prepare(
      "SELECT max(revision) FROM versions WHERE resource = ?1 AND path > ?2 AND path < ?3 "
      "AND revision <= ?4 GROUP BY path ORDER BY path");
  newest_of.bind(1, query.resource).bind(2, after).bind(3, end).bind(4, page.revision);
  PageBudget budget;
  for (;;) {
    TRY(const bool row, newest_of.step());
    if (!row) {
      return page;
    }
    Statement version = connection.prepare(
        "SELECT revision, path, value FROM versions WHERE revision = ?1 AND deleted = 0");
    version.bind(1, newest_of.number(0));
    TRY(const bool alive, version.step());
    if (!alive) {
      continue;
    }
    const bool full = query.limit > 0 && page.records.size() == query.limit;
    if (full || !budget.take(version.size(2))) {
      page.more = true;
      return page;
    }
    page.records.push_back(
        {key_of(query.resource, version.text(1)), version.number(0), version.text(2)});
  }
}

Result<Changes> read_changes(Connection& connection, Revision since, std::size_t limit) {
  const Snapshot snapshot(connection);
  TRY(const Revision newest, counter(connection, "revision"));
  TRY(const Revision oldest, counter(connection, "compacted"));
  if (since < oldest) {
    return gone(since, oldest);
  }
  Changes out;
  Statement statement = connection.prepare(
      "SELECT v.revision, v.resource, v.path, v.deleted, v.value, v.previous, p.value "
      "FROM versions v LEFT JOIN versions p ON p.revision = v.previous "
      "WHERE v.revision > ?1 ORDER BY v.revision LIMIT ?2");
  statement.bind(1, since).bind(2, limit);
  PageBudget budget;
  for (;;) {
    TRY(const bool row, statement.step());
    if (!row || !budget.take(statement.size(4) + statement.size(6))) {
      break;
    }
    Change change;
    change.revision = statement.number(0);
    change.key = key_of(statement.text(1), statement.text(2));
    change.deleted = statement.number(3) != 0;
    change.value = statement.text(4);
    if (statement.number(5) != 0) {
      change.previous = statement.text(6);
    }
    out.changes.push_back(std::move(change));
  }
  const Revision last = out.changes.empty() ? since : out.changes.back().revision;
  out.more = last < newest;
  out.up_to = last;
  return out;
}

Result<SealedBlob> read_secret(Connection& connection, const std::string& name) {
  Statement statement = connection.prepare("SELECT version, bytes FROM secrets WHERE name = ?1");
  statement.bind(1, name);
  TRY(const bool row, statement.step());
  if (!row) {
    return no_such_secret(name);
  }
  return SealedBlob{statement.number(0), statement.text(1)};
}

Result<std::vector<std::string>> read_secret_names(Connection& connection,
                                                   const std::string& prefix) {
  std::vector<std::string> names;
  Statement statement = connection.prepare(
      "SELECT name FROM secrets WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name");
  statement.bind(1, prefix);
  for (;;) {
    TRY(const bool row, statement.step());
    if (!row) {
      return names;
    }
    names.push_back(statement.text(0));
  }
}

Result<void> TableWriter::load() {
  TRY(committed_.revision, counter(connection_, "revision"));
  TRY(committed_.secret, counter(connection_, "secret"));
  TRY(compacted_, counter(connection_, "compacted"));
  next_ = committed_;
  return {};
}

Result<void> TableWriter::begin() {
  next_ = committed_;
  changes_.clear();
  return connection_.prepare("BEGIN IMMEDIATE").run();
}

Result<void> TableWriter::set_counter(std::string_view name, std::uint64_t value) {
  Statement statement = connection_.prepare("UPDATE counters SET value = ?2 WHERE name = ?1");
  statement.bind(1, name).bind(2, value);
  return statement.run();
}

Result<std::vector<Change>> TableWriter::commit() {
  if (next_.revision != committed_.revision) {
    TRY_VOID(set_counter("revision", next_.revision));
  }
  if (next_.secret != committed_.secret) {
    TRY_VOID(set_counter("secret", next_.secret));
  }
  TRY_VOID(connection_.prepare("COMMIT").run());
  committed_ = next_;
  return std::move(changes_);
}

void TableWriter::abort() {
  // Fails when SQLite has rolled back by itself, which is as good.
  static_cast<void>(connection_.prepare("ROLLBACK").run());
  next_ = committed_;
  changes_.clear();
}

Result<TableWriter::Present> TableWriter::present(const Key& key) {
  auto record = read_record(connection_, key);
  if (!record.ok()) {
    if (record.error().kind() == ErrorKind::NotFound) {
      return Present{};
    }
    return std::move(record).error();
  }
  return Present{record->revision, std::move(record->value)};
}

Result<TableWriter::Present> TableWriter::expect(const Key& key, Revision expected) {
  TRY(Present before, present(key));
  if (before.revision == 0) {
    return no_such(key);
  }
  if (before.revision != expected) {
    return Error(ErrorKind::Conflict, key.resource + " \"" + key.path() + "\" is at revision " +
                                          std::to_string(before.revision) + ", not at " +
                                          std::to_string(expected));
  }
  return before;
}

Result<Revision> TableWriter::insert(const Key& key, const Present& before, bool deleted,
                                     const std::string& value) {
  const Revision revision = next_.revision + 1;
  const std::string path = key.path();
  Statement statement = connection_.prepare("INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  statement.bind(1, revision).bind(2, key.resource).bind(3, path).bind(4, before.revision);
  statement.bind(5, std::uint64_t{deleted}).bind_blob(6, value);
  TRY_VOID(statement.run());
  next_.revision = revision;
  Change change{revision, key, deleted, value, std::nullopt};
  if (before.revision != 0) {
    change.previous = before.value;
  }
  changes_.push_back(std::move(change));
  return revision;
}

bool TableWriter::apply(Write& write) {
  write.result = execute(write);
  return write.result.ok() || write.result.error().kind() != ErrorKind::Storage;
}

Result<std::uint64_t> TableWriter::execute(const Write& write) {
  switch (write.verb) {
    case Write::Verb::Create:
      return create(write.key, write.bytes);
    case Write::Verb::Update:
      return update(write.key, write.expected, write.bytes);
    case Write::Verb::Remove:
      return remove(write.key, write.expected, write.bytes);
    case Write::Verb::PutSecret:
      return put_secret(write.key.name, write.expected, write.bytes);
    case Write::Verb::RemoveSecret:
      break;
  }
  TRY_VOID(remove_secret(write.key.name, write.expected));
  return 0;
}

Result<Revision> TableWriter::create(const Key& key, const std::string& value) {
  TRY(const Present before, present(key));
  if (before.revision != 0) {
    return Error(ErrorKind::AlreadyExists, key.resource + " \"" + key.path() + "\" already exists");
  }
  return insert(key, before, false, value);
}

Result<Revision> TableWriter::update(const Key& key, Revision expected, const std::string& value) {
  TRY(const Present before, expect(key, expected));
  return insert(key, before, false, value);
}

Result<Revision> TableWriter::remove(const Key& key, Revision expected,
                                     const std::string& last_state) {
  TRY(const Present before, expect(key, expected));
  return insert(key, before, true, last_state.empty() ? before.value : last_state);
}

Result<std::uint64_t> TableWriter::secret_version(const std::string& name) {
  Statement statement = connection_.prepare("SELECT version FROM secrets WHERE name = ?1");
  statement.bind(1, name);
  TRY(const bool row, statement.step());
  return row ? statement.number(0) : 0;
}

Result<std::uint64_t> TableWriter::put_secret(const std::string& name, std::uint64_t expected,
                                              const std::string& bytes) {
  TRY(const std::uint64_t version, secret_version(name));
  if (version != expected) {
    if (expected == 0) {
      return Error(ErrorKind::AlreadyExists, "secret \"" + name + "\" already exists");
    }
    return version == 0 ? no_such_secret(name)
                        : Error(ErrorKind::Conflict, "secret \"" + name + "\" has changed");
  }
  Statement statement = connection_.prepare("INSERT OR REPLACE INTO secrets VALUES (?1, ?2, ?3)");
  statement.bind(1, name).bind(2, next_.secret + 1).bind_blob(3, bytes);
  TRY_VOID(statement.run());
  return ++next_.secret;
}

Result<void> TableWriter::remove_secret(const std::string& name, std::uint64_t expected) {
  TRY(const std::uint64_t version, secret_version(name));
  if (version == 0) {
    return no_such_secret(name);
  }
  if (version != expected) {
    return Error(ErrorKind::Conflict, "secret \"" + name + "\" has changed");
  }
  Statement statement = connection_.prepare("DELETE FROM secrets WHERE name = ?1");
  statement.bind(1, name);
  return statement.run();
}

Result<void> TableWriter::compact(Revision boundary) {
  const Revision to = std::min({boundary, committed_.revision, compacted_ + kCompactionStep});
  if (to <= compacted_) {
    return {};
  }
  TRY_VOID(begin());
  // What was replaced by a change up to `to` is of no use to a reader at `to` or later.
  const auto steps = [&]() -> Result<void> {
    Statement replaced = connection_.prepare(
        "DELETE FROM versions WHERE revision IN (SELECT previous FROM versions "
        "WHERE revision > ?1 AND revision <= ?2 AND previous > 0)");
    replaced.bind(1, compacted_).bind(2, to);
    TRY_VOID(replaced.run());
    Statement tombstones = connection_.prepare(
        "DELETE FROM versions WHERE revision > ?1 AND revision <= ?2 AND deleted = 1");
    tombstones.bind(1, compacted_).bind(2, to);
    TRY_VOID(tombstones.run());
    TRY_VOID(set_counter("compacted", to));
    return connection_.prepare("COMMIT").run();
  };
  auto done = steps();
  if (!done.ok()) {
    abort();
    return done;
  }
  compacted_ = to;
  return {};
}

}  // namespace roadstead::storage
