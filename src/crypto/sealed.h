// SPDX-License-Identifier: Apache-2.0
// Secrets at rest (CA keys): AES-256-GCM under a key that lies in a file of its own, apart from the
// store, so that a stolen backup of the store opens nothing. Immutable; usable from any thread, but
// the Random given to `seal` must be too.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace roadstead::crypto {

class SealingKey {
 public:
  // Reads the file, or makes it with mode 0600 when there is none. Blocks on the file system: at
  // start only. A file that others may read or write is refused (a mounted secret that its group
  // may read is accepted). Two processes that start at once end up with the same key.
  static Result<SealingKey> load_or_create(const std::string& path, Random& random);
  // The same without making one: for tools that must not start with a new key by mistake.
  static Result<SealingKey> load(const std::string& path);

  // First 16 hex digits of a hash of the key: tells keys apart in messages and in sealed text.
  const std::string& id() const { return id_; }

 private:
  friend class SealedBox;
  explicit SealingKey(Secret bytes);
  static Result<SealingKey> parse(const std::string& path, std::string_view text);
  Secret bytes_;  // 32
  std::string id_;
};

class SealedBox {
 public:
  explicit SealedBox(SealingKey key) : key_(std::move(key)) {}

  // `associated_data` is not stored, and must be the same to open: the name of what is sealed, so
  // that one record cannot be put in another's place. The result is one line of text.
  std::string seal(const Secret& plaintext, std::string_view associated_data, Random& random) const;
  // Storage when the text was changed, cut, or moved, or was sealed with another key; says which.
  Result<Secret> open(std::string_view sealed, std::string_view associated_data) const;

  const SealingKey& key() const { return key_; }

 private:
  SealingKey key_;
};

}  // namespace roadstead::crypto
