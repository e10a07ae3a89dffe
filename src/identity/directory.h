// SPDX-License-Identifier: Apache-2.0
// Who exists and which credentials count, as an immutable snapshot that every shard reads
// without locks. The hub's wiring replaces the snapshot whenever a User or Credential changes, so a
// revocation takes effect with the next request.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "identity/known_chains.h"
#include "identity/principal.h"

namespace roadstead::identity {

struct UserEntry {
  std::string login;
  std::string uid;
  bool administrator = false;
  bool disabled = false;
  std::vector<std::string> groups;
};

struct Snapshot {
  std::vector<crypto::Certificate> user_roots;
  std::map<std::string, UserEntry> users;  // by login
  // Of credentials that were issued, not revoked and not deleted; others count for nothing.
  std::set<std::string> serials;
};

class Directory {
 public:
  explicit Directory(const Clock& clock) : clock_(clock) {}

  void replace(std::shared_ptr<const Snapshot> snapshot);
  std::shared_ptr<const Snapshot> snapshot() const;

  // Verifies the chain, the person and the credential. Kind Unauthenticated; the message says
  // whether it is expired, revoked, of an unknown authority, or of a user who is gone or disabled.
  // A chain that was verified for this snapshot is not verified again.
  Result<PrincipalPtr> authenticate(std::span<const std::string> chain_der) const;

  // The cheap check for a principal that was authenticated before on the same connection.
  Result<void> still_valid(const Principal& principal) const;

 private:
  Result<PrincipalPtr> verify(std::span<const std::string> chain_der,
                              const Snapshot& snapshot) const;

  const Clock& clock_;
  std::atomic<std::shared_ptr<const Snapshot>> snapshot_{std::make_shared<const Snapshot>()};
  mutable KnownChains known_;
};

}  // namespace roadstead::identity
