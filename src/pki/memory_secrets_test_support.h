// SPDX-License-Identifier: Apache-2.0
// A SecretStore in memory, and a key that seals what goes into it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/check.h"
#include "crypto/sealed.h"
#include "storage/secret_store.h"

namespace roadstead::pki::test {

class MemorySecrets final : public storage::SecretStore {
 public:
  io::Task<Result<storage::SealedBlob>> get_secret(io::Executor&, std::string name) override {
    const auto it = blobs_.find(name);
    if (it == blobs_.end()) {
      co_return Error(ErrorKind::NotFound, name);
    }
    co_return it->second;
  }
  io::Task<Result<std::uint64_t>> put_secret(io::Executor&, std::string name,
                                             std::uint64_t expected, std::string bytes) override {
    const auto it = blobs_.find(name);
    if (expected == 0 && it != blobs_.end()) {
      co_return Error(ErrorKind::AlreadyExists, name);
    }
    if (expected != 0 && (it == blobs_.end() || it->second.version != expected)) {
      co_return Error(it == blobs_.end() ? ErrorKind::NotFound : ErrorKind::Conflict, name);
    }
    blobs_.insert_or_assign(std::move(name), storage::SealedBlob{++version_, std::move(bytes)});
    co_return version_;
  }
  io::Task<Result<void>> remove_secret(io::Executor&, std::string name,
                                       std::uint64_t expected) override {
    const auto it = blobs_.find(name);
    if (it == blobs_.end() || it->second.version != expected) {
      co_return Error(it == blobs_.end() ? ErrorKind::NotFound : ErrorKind::Conflict, name);
    }
    blobs_.erase(it);
    co_return Result<void>();
  }
  io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor&,
                                                          std::string prefix) override {
    std::vector<std::string> names;
    for (const auto& [name, blob] : blobs_) {
      if (name.starts_with(prefix)) {
        names.push_back(name);
      }
    }
    co_return names;
  }
  const std::map<std::string, storage::SealedBlob>& blobs() const { return blobs_; }

 private:
  std::map<std::string, storage::SealedBlob> blobs_;
  std::uint64_t version_ = 0;
};

inline crypto::SealedBox sealed_box(Random& random) {
  std::string folder = (std::filesystem::temp_directory_path() / "sealing_XXXXXX").string();
  CHECK(mkdtemp(folder.data()) != nullptr, "a folder for the sealing key");
  auto key = crypto::SealingKey::load_or_create(folder + "/key", random);
  std::filesystem::remove_all(folder);
  CHECK(key.ok(), key.error().message());
  return crypto::SealedBox(std::move(*key));
}

}  // namespace roadstead::pki::test
