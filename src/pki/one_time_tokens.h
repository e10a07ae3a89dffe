// SPDX-License-Identifier: Apache-2.0
// Tokens that may be used once within their time: registration tokens of clusters and login codes
// of people. 256 random bits; only a SHA-256 hash reaches the store. A token is bound to one
// subject, and after its use to the key it was used with, so that a lost answer can be asked for
// again with the same key for ten minutes and by nobody else.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "io/task.h"
#include "storage/secret_store.h"

namespace roadstead::pki {

class OneTimeTokens {
 public:
  // `family` is part of the stored name ("registration", "login"), `prefix` of the token's text.
  OneTimeTokens(storage::SecretStore& store, const Clock& clock, Random& random, std::string family,
                std::string prefix)
      : store_(store),
        clock_(clock),
        random_(random),
        family_(std::move(family)),
        prefix_(std::move(prefix)) {}

  struct Minted {
    Secret token;
    WallTime expires;
  };
  io::Task<Result<Minted>> mint(io::Executor& executor, std::string subject, Duration lifetime);

  // The subject it was made for. Unauthenticated: unknown, expired, or used with another key; the
  // message tells which. `key_id` identifies the public key of the request.
  io::Task<Result<std::string>> redeem(io::Executor& executor, Secret token, std::string key_id);

  // Forgets tokens that expired more than a day ago, and all of `subject` when it is not empty.
  io::Task<Result<void>> sweep(io::Executor& executor, std::string subject);

 private:
  struct Entry;
  io::Task<Result<Entry>> load(io::Executor& executor, std::string name);

  storage::SecretStore& store_;
  const Clock& clock_;
  Random& random_;
  std::string family_;
  std::string prefix_;
};

}  // namespace roadstead::pki
