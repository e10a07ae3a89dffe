// SPDX-License-Identifier: Apache-2.0
// The hub's three certificate authorities, one for each trust domain: what one has signed is worth
// nothing to the others. Made at first start, sealed in the store. Immutable afterwards.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/sealed.h"
#include "io/task.h"
#include "pki/signer.h"
#include "storage/secret_store.h"
#include "tunnel/names.h"

namespace roadstead::pki {

// The hub's authority before the present one. Agents and people who know only the old one are led
// over by `cross`: the new authority's key, certified by the old one.
struct FormerAuthority {
  crypto::Certificate certificate;
  crypto::Certificate cross;
  WallTime until{};  // after that nobody is told to trust it
};

struct Authorities {
  std::unique_ptr<Signer> hub;  // the hub's own server certificates: tunnel, enrolment, default
  std::optional<FormerAuthority> former_hub;
  std::unique_ptr<Signer> agents;  // Agents' client certificates
  std::unique_ptr<Signer> users;   // people's client certificates
  // 32 bytes from which the keys of the tunnel's session tickets are derived: after a restart
  // Agents resume. As good as the Agents' authority for as long as a session may last.
  Secret tunnel_tickets;
};

io::Task<Result<Authorities>> load_or_create_authorities(io::Executor& executor,
                                                         storage::SecretStore& store,
                                                         const crypto::SealedBox& sealing,
                                                         const Clock& clock, Random& random);

// Replaces the hub's authority. Old and new overlap for a year: the new one signs at once, servers
// also show its certificate by the old one, and those who ask are told to trust both. AlreadyExists
// while such a year lasts.
io::Task<Result<void>> rotate_hub_authority(io::Executor& executor, storage::SecretStore& store,
                                            const crypto::SealedBox& sealing, const Clock& clock,
                                            Random& random);
// True in the last third of its life.
bool hub_authority_is_due(const Authorities& authorities, WallTime now);

// Whom to trust to be the hub, PEM, the present authority first.
std::string hub_roots_pem(const Authorities& authorities, WallTime now);

inline constexpr Duration kAuthorityOverlap = std::chrono::hours(24 * 365);
inline constexpr Duration kAgentCertificateLifetime = std::chrono::hours(7 * 24);
inline constexpr Duration kServerCertificateLifetime = std::chrono::hours(24 * 365);
// Clocks of members may be behind the hub's.
inline constexpr Duration kBackdate = std::chrono::minutes(5);

// A client certificate for an Agent or a person. `groups` are NAME:UID for people.
Result<crypto::Certificate> issue_client_certificate(const Signer& signer,
                                                     const tunnel::Subject& subject,
                                                     const std::vector<std::string>& groups,
                                                     const crypto::PublicKey& key, WallTime now,
                                                     Duration lifetime);

// NAME:UID of a group of users. Groups are names and no objects, so the uid is made of the name and
// of the authority that vouches for it: another hub's group of the same name is another group.
std::string group_organization(const Signer& users, std::string_view name);

struct ServerIdentity {
  std::string chain_pem;
  Secret key_pem;
};
// A fresh key, and a certificate of the hub's authority for names and addresses.
Result<ServerIdentity> issue_server_identity(const Authorities& authorities,
                                             const std::string& common_name,
                                             std::vector<std::string> dns_names,
                                             std::vector<std::string> ip_addresses, WallTime now,
                                             Duration lifetime = kServerCertificateLifetime);

}  // namespace roadstead::pki
