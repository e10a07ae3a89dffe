// SPDX-License-Identifier: Apache-2.0
// Small sealed blobs under a name: CA keys, token hashes, password hashes. The caller seals; the
// store sees bytes. Thread-safe, as ObjectStore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::storage {

struct SealedBlob {
  std::uint64_t version = 0;  // grows with every write of that name, also across removal
  std::string bytes;
};

class SecretStore {
 public:
  virtual ~SecretStore() = default;

  // Fails with NotFound.
  virtual io::Task<Result<SealedBlob>> get_secret(io::Executor& executor, std::string name) = 0;
  // `expected` 0: must not exist yet (AlreadyExists); otherwise the version it must have (NotFound,
  // Conflict). Returns the new version.
  virtual io::Task<Result<std::uint64_t>> put_secret(io::Executor& executor, std::string name,
                                                     std::uint64_t expected, std::string bytes) = 0;
  // Fails with NotFound or Conflict: of several who remove the same version, one succeeds.
  virtual io::Task<Result<void>> remove_secret(io::Executor& executor, std::string name,
                                               std::uint64_t expected) = 0;
  // Names that start with `prefix`, in order.
  virtual io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor& executor,
                                                                  std::string prefix) = 0;
};

}  // namespace roadstead::storage
