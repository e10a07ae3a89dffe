// SPDX-License-Identifier: Apache-2.0
// The hub's folder: its store and the key that seals the secrets in it. Held by one process at a
// time. Blocks; used before the hub serves.
#pragma once

#include <memory>
#include <string>

#include "apps/hub/stores.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/sealed.h"
#include "io/shard.h"

namespace roadstead::hub {

struct DataDir {
  crypto::SealedBox sealing;
  std::unique_ptr<storage::Store> store;

  // Makes what is missing.
  static Result<DataDir> open(const StorePlace& place, const Clock& clock, Random& random);
};

// `roadstead-hub rotate-ca`: replaces the hub's CA in the folder of a hub that does not run. Gives
// what to tell the administrator.
Result<std::string> rotate_ca(const StorePlace& place, const Clock& clock, Random& random,
                              io::Shard& shard);

}  // namespace roadstead::hub
