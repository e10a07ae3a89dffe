// SPDX-License-Identifier: Apache-2.0
// One transaction of writes, as plain values: what must be read, what comes out of it, what must
// be written. The same rules as the embedded store's; no database here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/group_commit.h"

namespace roadstead::storage::postgres {

class Batch {
 public:
  explicit Batch(std::span<Write* const> writes);

  struct PathKey {
    std::string resource;
    std::string path;
    bool needs_value = false;  // a removal that shows the state as stored
  };
  // What to read under the lock, in order.
  const std::vector<PathKey>& paths() const { return paths_; }
  const std::vector<std::string>& secrets() const { return secrets_; }

  // The state of a path. Revision 0: there is none. `value` is unset when it was too big to fetch.
  struct Present {
    Revision revision = 0;
    std::optional<std::string> value;
  };
  struct Insert {
    Revision revision = 0;
    const Key* key = nullptr;
    std::string path;
    Revision previous = 0;
    bool deleted = false;
    std::string_view value;
  };
  struct SecretChange {
    std::string_view name;
    std::uint64_t version = 0;  // 0: removed
    std::string_view bytes;
  };

  // Applies the writes in order to what was read; numbers start after the counters.
  void plan(Revision revision, std::uint64_t secret, std::vector<Present> paths,
            std::vector<std::uint64_t> secrets);

  bool changes_anything() const { return !inserts_.empty() || !secret_changes_.empty(); }
  const std::vector<Insert>& inserts() const { return inserts_; }
  const std::vector<SecretChange>& secret_changes() const { return secret_changes_; }
  Revision revision() const { return revision_; }
  std::uint64_t secret() const { return secret_; }

  // For the change feed; none when a state before was not fetched.
  std::optional<std::vector<Change>> changes() const;
  void answer();  // gives each write what was planned for it
  void fail(const Error& error);

 private:
  Result<std::uint64_t> object_write(const Write& write);
  Result<std::uint64_t> secret_write(const Write& write);

  std::span<Write* const> writes_;
  std::vector<PathKey> paths_;
  std::vector<std::string> secrets_;
  std::map<std::pair<std::string, std::string>, std::size_t> path_index_;
  std::map<std::string, std::size_t> secret_index_;

  Revision revision_ = 0;
  std::uint64_t secret_ = 0;
  std::vector<Present> present_;
  std::vector<std::uint64_t> secret_versions_;
  std::vector<Insert> inserts_;
  std::vector<std::optional<std::string>> previous_;  // beside inserts_; unset: not fetched
  std::vector<SecretChange> secret_changes_;
  std::vector<Result<std::uint64_t>> results_;
  std::vector<std::unique_ptr<std::string>> stored_;  // values that views point to
};

}  // namespace roadstead::storage::postgres
