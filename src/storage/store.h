// SPDX-License-Identifier: Apache-2.0
// A whole store as a backend offers it: objects, secrets, and what keeps it in order.
#pragma once

#include "storage/object_store.h"
#include "storage/secret_store.h"

namespace roadstead::storage {

class Store : public ObjectStore, public SecretStore {
 public:
  // Forgets what history allows now; otherwise done beside writes, every few seconds.
  virtual io::Task<Result<void>> compact(io::Executor& executor) = 0;
};

}  // namespace roadstead::storage
