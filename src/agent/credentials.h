// SPDX-License-Identifier: Apache-2.0
// What the Agent keeps between restarts: one small set of named values, in the member's one Secret
// or in a state directory. Plain value.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "codec/json.h"
#include "io/task.h"

namespace roadstead::agent {

struct Credentials {
  std::string hub;             // host:port of the hub's endpoint
  std::string cluster;         // name of the Cluster object
  std::string cluster_uid;     // its uid: the audience of identity contexts
  std::string hub_roots_pem;   // who may be the hub
  std::string user_roots_pem;  // who may issue users' certificates
  Secret token;                // registration token; erased after use
  // SHA-256 of the token that was used last: who applies the same manifest again brings it back.
  std::string used_token;
  Secret next_key_pem;  // made before the token is used, so that a crash does not waste it
  Secret private_key_pem;
  std::string certificate_pem;  // leaf first

  // What the store compares at the next save (a resourceVersion); not part of the content.
  std::string version;

  // A Secret object of `v1`. `base` keeps its metadata and every key that is not ours. Without a
  // token none stays in kubectl's annotation of what was applied either.
  codec::json::value to_secret(codec::json::value base) const;
  // The error names the key and what to do.
  static Result<Credentials> from_secret(const codec::json::value& secret);

  // A token that was not used yet.
  bool has_fresh_token() const;
  bool has_certificate() const { return !certificate_pem.empty() && !private_key_pem.empty(); }
};

// Finds the Agent's Secret in YAML or JSON: the downloaded manifest or the Secret alone.
Result<codec::json::value> find_secret(std::string_view text, std::string_view name);

// Where Credentials are kept. Lives on the Agent's shard.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;

  virtual io::Task<Result<Credentials>> load() = 0;
  // Conflict when the stored version is not `next.version`: load again and decide again. Gives
  // what is stored now, with its version.
  virtual io::Task<Result<Credentials>> save(Credentials next) = 0;
  // Waits until the stored version is another one. Cancelled after close(); other failures are
  // tried again by the caller.
  virtual io::Task<Result<Credentials>> changed(std::string version) = 0;
  virtual void close() = 0;
  virtual std::string where() const = 0;  // for messages
};

}  // namespace roadstead::agent
