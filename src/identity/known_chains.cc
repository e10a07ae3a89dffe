// SPDX-License-Identifier: Apache-2.0
#include "identity/known_chains.h"

namespace roadstead::identity {

KnownChains::Key KnownChains::key_of(std::span<const std::string> chain_der) {
  std::string all;
  for (const std::string& der : chain_der) {
    all.append(std::to_string(der.size())).append(":").append(der);
  }
  return crypto::sha256(all);
}

PrincipalPtr KnownChains::find(const Key& key, const std::shared_ptr<const Snapshot>& snapshot,
                               WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto it = answers_.find(key);
  if (it == answers_.end() || it->second.snapshot != snapshot || now < it->second.from ||
      now > it->second.until) {
    return nullptr;
  }
  return it->second.principal;
}

// Forgets all when it is full: they are found again, and nobody can choose who is forgotten.
void KnownChains::put(const Key& key, Answer answer) {
  const std::lock_guard lock(mutex_);
  if (answers_.size() >= kMost && !answers_.contains(key)) {
    answers_.clear();
  }
  answers_.insert_or_assign(key, std::move(answer));
}

void KnownChains::clear() {
  const std::lock_guard lock(mutex_);
  answers_.clear();
}

std::size_t KnownChains::size() const {
  const std::lock_guard lock(mutex_);
  return answers_.size();
}

}  // namespace roadstead::identity
