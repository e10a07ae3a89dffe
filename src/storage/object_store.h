// SPDX-License-Identifier: Apache-2.0
// The store of objects: versioned bytes under (resource, namespace, name), with compare-and-swap,
// lists at a consistent snapshot, and the log of changes that watches are made of.
//
// One counter of revisions for the whole store; Kubernetes calls it resourceVersion. Revisions grow
// with every change and are assigned inside the commit that publishes them. An empty store is at 1:
// 0 has a meaning of its own in Kubernetes ("any version"). Each change has the revision after the
// one before it: a missing number would be a missed change.
//
// Any write fails with InvalidArgument or PayloadTooLarge beyond limits.h, with TooManyRequests
// when too much waits, with Storage or Unavailable when it was not saved, and with DeadlineExceeded
// when the connection to the database was lost so that nobody can say whether it was.
//
// Thread-safe: may be called from any shard, each call names the executor it is awaited on. Must
// outlive the tasks that use it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::storage {

using Revision = std::uint64_t;

struct Key {
  std::string resource;    // "clusters.roadstead.io"
  std::string namespace_;  // "" for cluster-scoped objects
  std::string name;
  bool operator==(const Key&) const = default;
  // Objects of a resource are ordered by this, bytewise: "NAMESPACE/NAME" or "NAME".
  std::string path() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
};

struct Record {
  Key key;
  Revision revision = 0;
  std::string value;
};

struct Change {
  Revision revision = 0;
  Key key;
  bool deleted = false;
  std::string value;                    // for a deletion: the last state
  std::optional<std::string> previous;  // the state before; none for a creation
};

struct Changes {
  std::vector<Change> changes;
  Revision up_to = 0;  // everything up to here has been given
  bool more = false;   // there is more already: ask again, from `up_to`
};

struct ListQuery {
  std::string resource;
  std::optional<std::string> namespace_;  // only of that namespace
  std::string after;                      // path of the last object that was given before
  std::size_t limit = 0;                  // 0: as many as a page holds (limits.h)
  Revision at = 0;                        // 0: now
};

struct ListPage {
  std::vector<Record> records;
  Revision revision = 0;  // the snapshot's
  bool more = false;      // go on after the last of `records`, at `revision`
};

// Ends when destroyed. Destroyed on the executor that it was made on.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Fails with AlreadyExists.
  virtual io::Task<Result<Revision>> create(io::Executor& executor, Key key, std::string value) = 0;
  // Fails with NotFound, and with Conflict when the object's revision is not `expected`.
  virtual io::Task<Result<Revision>> update(io::Executor& executor, Key key, Revision expected,
                                            std::string value) = 0;
  // Likewise. `last_state` is what the change log shows; empty: the state as stored.
  virtual io::Task<Result<Revision>> remove(io::Executor& executor, Key key, Revision expected,
                                            std::string last_state) = 0;

  virtual io::Task<Result<Record>> get(io::Executor& executor, Key key) = 0;
  // Fails with Gone when `at` is older than the history, InvalidArgument when it is in the future.
  virtual io::Task<Result<ListPage>> list(io::Executor& executor, ListQuery query) = 0;
  // What came after `since`, in order and without a gap: at most `limit` changes and one page's
  // bytes. Fails with Gone.
  virtual io::Task<Result<Changes>> changes(io::Executor& executor, Revision since,
                                            std::size_t limit) = 0;
  // No committed change is newer.
  virtual io::Task<Result<Revision>> current_revision(io::Executor& executor) = 0;

  // `on_commit` is called on `executor` after commits, several at once perhaps; a hint to ask
  // `changes`.
  virtual std::unique_ptr<Subscription> subscribe(io::Executor& executor,
                                                  UniqueFunction<void()> on_commit) = 0;
};

}  // namespace roadstead::storage
