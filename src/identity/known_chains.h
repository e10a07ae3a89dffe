// SPDX-License-Identifier: Apache-2.0
// Whom a chain of certificates was found to name, so that a person whose tools connect again for
// every command costs one look at the signatures. An answer counts for the snapshot with which it
// was found, from that moment until the first certificate that had a part in it expires. Bounded;
// any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/clock.h"
#include "crypto/digest.h"
#include "identity/principal.h"

namespace roadstead::identity {

struct Snapshot;

class KnownChains {
 public:
  static constexpr std::size_t kMost = 1024;
  using Key = crypto::Sha256Digest;
  struct Answer {
    PrincipalPtr principal;
    std::shared_ptr<const Snapshot> snapshot;
    WallTime from;
    WallTime until;
  };

  static Key key_of(std::span<const std::string> chain_der);

  // Null when nothing is known that counts for this snapshot and time.
  PrincipalPtr find(const Key& key, const std::shared_ptr<const Snapshot>& snapshot,
                    WallTime now) const;
  void put(const Key& key, Answer answer);
  void clear();
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<Key, Answer> answers_;
};

}  // namespace roadstead::identity
