// SPDX-License-Identifier: Apache-2.0
#include "identity/directory.h"

#include <algorithm>

#include "base/rfc3339.h"

namespace roadstead::identity {
namespace {

Error refused(std::string why) { return Error(ErrorKind::Unauthenticated, std::move(why)); }

// A login that was made again has another uid: the old one's credentials are void.
Result<const UserEntry*> person(const Snapshot& snapshot, const tunnel::Subject& subject) {
  const auto it = snapshot.users.find(subject.name);
  if (it == snapshot.users.end() || it->second.uid != subject.uid) {
    return refused("user \"" + subject.name + "\" does not exist (any more)");
  }
  if (it->second.disabled) {
    return refused("user \"" + subject.name + "\" is disabled");
  }
  return &it->second;
}

Result<void> unexpired(const Principal& principal, WallTime now) {
  if (now > principal.expires) {
    return refused("the credential expired at " + format_rfc3339(principal.expires) +
                   "; run: roadstead login");
  }
  return {};
}

// A group that was left ends at once; one that was entered comes with the next certificate.
Result<std::vector<std::string>> groups_in_members(const crypto::Certificate& leaf,
                                                   const std::vector<std::string>& current) {
  std::vector<std::string> out;
  for (const std::string& organization : leaf.organizations()) {
    auto group = tunnel::member_group_name(organization);
    if (!group.ok()) {
      return refused("the client certificate was refused: " + group.error().message());
    }
    const std::string name = organization.substr(0, organization.rfind(':'));
    if (std::find(current.begin(), current.end(), name) != current.end()) {
      out.push_back(std::move(*group));
    }
  }
  return out;
}

WallTime first_expiry(const Principal& principal, const Snapshot& snapshot) {
  WallTime first = principal.expires;
  for (const auto* certificates : {&principal.chain, &snapshot.user_roots}) {
    for (const crypto::Certificate& one : *certificates) {
      first = std::min(first, one.not_after());
    }
  }
  return first;
}

}  // namespace

void Directory::replace(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_.store(std::move(snapshot));
  known_.clear();  // none counts any more
}

std::shared_ptr<const Snapshot> Directory::snapshot() const { return snapshot_.load(); }

Result<PrincipalPtr> Directory::authenticate(std::span<const std::string> chain_der) const {
  if (chain_der.empty()) {
    return refused("no client certificate was presented; run: roadstead login");
  }
  const auto snapshot = snapshot_.load();
  const WallTime now = clock_.wall();
  const KnownChains::Key key = KnownChains::key_of(chain_der);
  if (PrincipalPtr known = known_.find(key, snapshot, now)) {
    return known;
  }
  TRY(PrincipalPtr principal, verify(chain_der, *snapshot));
  known_.put(key, {principal, snapshot, now, first_expiry(*principal, *snapshot)});
  return principal;
}

Result<PrincipalPtr> Directory::verify(std::span<const std::string> chain_der,
                                       const Snapshot& snapshot) const {
  auto principal = std::make_shared<Principal>();
  for (const std::string& der : chain_der.first(std::min<std::size_t>(chain_der.size(), 4))) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate.ok()) {
      return refused("the client certificate cannot be read: " + certificate.error().message());
    }
    principal->chain.push_back(std::move(*certificate));
  }
  const crypto::Certificate& leaf = principal->chain.front();
  if (auto verified = crypto::verify_chain(principal->chain, snapshot.user_roots, clock_.wall(),
                                           crypto::Purpose::ClientAuth);
      !verified.ok()) {
    return refused("the client certificate was refused: " + verified.error().message());
  }
  auto subject = tunnel::subject_of(leaf);
  if (!subject.ok() || subject->kind != "user") {
    return refused("the client certificate does not name a user of this hub");
  }
  principal->subject = std::move(*subject);
  principal->credential_serial = leaf.serial_hex();
  principal->expires = leaf.not_after();
  principal->fingerprint = leaf.fingerprint();
  TRY(const UserEntry* entry, person(snapshot, principal->subject));
  principal->administrator = entry->administrator;
  principal->groups = entry->groups;
  TRY(principal->member_groups, groups_in_members(leaf, entry->groups));
  TRY_VOID(still_valid(*principal));
  return PrincipalPtr(std::move(principal));
}

Result<void> Directory::still_valid(const Principal& principal) const {
  const auto snapshot = snapshot_.load();
  TRY_VOID(unexpired(principal, clock_.wall()));
  if (!snapshot->serials.contains(principal.credential_serial)) {
    return refused("the credential was revoked or deleted; run: roadstead login");
  }
  TRY(const UserEntry* entry, person(*snapshot, principal.subject));
  if (entry->administrator != principal.administrator || entry->groups != principal.groups) {
    return refused("the user's groups or rights changed; connect again");
  }
  return {};
}

}  // namespace roadstead::identity
