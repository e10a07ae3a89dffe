// SPDX-License-Identifier: Apache-2.0
// The hub's three certificate authorities, one for each trust domain: what one has signed is worth
// nothing to the others. Made at first start, sealed in the store. Immutable afterwards.
#pragma once

#include <memory>
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

struct Authorities {
  std::unique_ptr<Signer> hub;     // the hub's own server certificates: tunnel, enrolment, default
  std::unique_ptr<Signer> agents;  // Agents' client certificates
  std::unique_ptr<Signer> users;   // people's client certificates
};

io::Task<Result<Authorities>> load_or_create_authorities(io::Executor& executor,
                                                         storage::SecretStore& store,
                                                         const crypto::SealedBox& sealing,
                                                         const Clock& clock, Random& random);

inline constexpr Duration kAgentCertificateLifetime = std::chrono::hours(7 * 24);
// Clocks of members may be behind the hub's.
inline constexpr Duration kBackdate = std::chrono::minutes(5);

// A client certificate for an Agent or a person. `groups` are NAME:UID for people.
Result<crypto::Certificate> issue_client_certificate(const Signer& signer,
                                                     const tunnel::Subject& subject,
                                                     const std::vector<std::string>& groups,
                                                     const crypto::PublicKey& key, WallTime now,
                                                     Duration lifetime);

struct ServerIdentity {
  std::string chain_pem;
  Secret key_pem;
};
// A fresh key and certificate for names and addresses, one year.
Result<ServerIdentity> issue_server_identity(const Signer& signer, const std::string& common_name,
                                             std::vector<std::string> dns_names,
                                             std::vector<std::string> ip_addresses, WallTime now);

}  // namespace roadstead::pki
