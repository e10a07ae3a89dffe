// SPDX-License-Identifier: Apache-2.0
// Moves a whole store to another backend: every version that is still history, sealed blobs and
// counters, so that revisions, watches and continue tokens go on. Synchronous; used by commands
// that run instead of a hub.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/object_store.h"

namespace roadstead::storage {

struct VersionRow {
  Revision revision = 0;
  std::string resource;
  std::string path;
  Revision previous = 0;  // the revision that it replaced; 0 for a creation
  bool deleted = false;
  std::string value;
};

struct SecretRow {
  std::string name;
  std::uint64_t version = 0;
  std::string bytes;
};

struct StoreCounters {
  Revision revision = 1;
  Revision compacted = 0;
  std::uint64_t secret = 0;
};

// One moment of a store, for the life of the object.
class TransferSource {
 public:
  virtual ~TransferSource() = default;
  virtual Result<StoreCounters> counters() = 0;
  // The next rows in order of revision or name, at most a page; none at the end.
  virtual Result<std::vector<VersionRow>> versions_after(Revision revision) = 0;
  virtual Result<std::vector<SecretRow>> secrets_after(const std::string& name) = 0;
};

// An empty store. Nothing of what was added is there until finish() has succeeded.
class TransferTarget {
 public:
  virtual ~TransferTarget() = default;
  virtual Result<void> add(const std::vector<VersionRow>& rows) = 0;
  virtual Result<void> add(const std::vector<SecretRow>& rows) = 0;
  virtual Result<void> finish(const StoreCounters& counters) = 0;
};

struct TransferReport {
  std::uint64_t versions = 0;
  std::uint64_t secrets = 0;
  Revision revision = 0;
};

Result<TransferReport> transfer(TransferSource& from, TransferTarget& to);

}  // namespace roadstead::storage
