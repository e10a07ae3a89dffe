// SPDX-License-Identifier: Apache-2.0
// The store's operations on one connection, synchronous. Writes happen inside the writer's
// transaction and are numbered from the counters in memory; reads may run on any connection.
#pragma once

#include <vector>

#include "storage/group_commit.h"
#include "storage/object_store.h"
#include "storage/secret_store.h"
#include "storage/sqlite/connection.h"

namespace roadstead::storage {

Key key_of(std::string resource, const std::string& path);

// Reads. Each takes one snapshot.
Result<Record> read_record(Connection& connection, const Key& key);
Result<ListPage> read_list(Connection& connection, const ListQuery& query);
Result<Changes> read_changes(Connection& connection, Revision since, std::size_t limit);
Result<SealedBlob> read_secret(Connection& connection, const std::string& name);
Result<std::vector<std::string>> read_secret_names(Connection& connection,
                                                   const std::string& prefix);

class TableWriter {
 public:
  explicit TableWriter(Connection& connection) : connection_(connection) {}
  Result<void> load();

  // A transaction of any number of writes. After a failed begin or commit, or `abort`, nothing of
  // it remains.
  Result<void> begin();
  Result<std::vector<Change>> commit();
  void abort();

  // Fills the write's result. False when the store itself failed, which ends the transaction.
  bool apply(Write& write);

  Revision revision() const { return committed_.revision; }
  Revision compacted() const { return compacted_; }
  // Forgets history up to `boundary`, at most 2,000 revisions in a call. A transaction of its own.
  Result<void> compact(Revision boundary);

 private:
  struct Counters {
    Revision revision = 0;
    std::uint64_t secret = 0;
  };
  struct Present {
    Revision revision = 0;  // 0: there is none
    std::string value;
  };
  Result<std::uint64_t> execute(const Write& write);
  Result<Revision> create(const Key& key, const std::string& value);
  Result<Revision> update(const Key& key, Revision expected, const std::string& value);
  Result<Revision> remove(const Key& key, Revision expected, const std::string& last_state);
  Result<std::uint64_t> put_secret(const std::string& name, std::uint64_t expected,
                                   const std::string& bytes);
  Result<void> remove_secret(const std::string& name, std::uint64_t expected);
  Result<Present> present(const Key& key);
  Result<Present> expect(const Key& key, Revision expected);
  Result<Revision> insert(const Key& key, const Present& before, bool deleted,
                          const std::string& value);
  Result<std::uint64_t> secret_version(const std::string& name);
  Result<void> set_counter(std::string_view name, std::uint64_t value);

  Connection& connection_;
  Counters committed_;
  Counters next_;
  Revision compacted_ = 0;
  std::vector<Change> changes_;
};

}  // namespace roadstead::storage
