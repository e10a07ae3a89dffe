// SPDX-License-Identifier: Apache-2.0
// Which store a hub has, and the commands that copy or move one. Blocks; used before the hub
// serves, or instead.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "storage/store.h"

namespace roadstead::hub {

struct StorePlace {
  std::string data_dir;
  std::string url;            // "postgres://…"; "": the file hub.db in data_dir
  std::string password_file;  // of the database's user
};

Result<std::unique_ptr<storage::Store>> open_store(const StorePlace& place, const Clock& clock,
                                                   Random& random);

// `roadstead-hub backup`: writes a copy of the store, which a hub may be using, into a new file of
// the embedded kind. Gives what to tell the administrator.
Result<std::string> backup_store(const StorePlace& place, const std::string& to);

// `roadstead-hub migrate`: copies everything into an empty store of the other kind, or of the same.
// `from` and `to` are "postgres://…" or the path of a file. No hub may be using either.
Result<std::string> migrate_store(const StorePlace& place, const std::string& from,
                                  const std::string& to);

}  // namespace roadstead::hub
