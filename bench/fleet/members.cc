// SPDX-License-Identifier: Apache-2.0
#include "members.h"

#include "codec/json.h"
#include "crypto/key.h"
#include "io/files.h"
#include "pki/authorities.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::fleet {
namespace {

constexpr std::size_t kMostListBytes = 64u << 20;

Result<agent::HubIdentityPtr> identity_of(const codec::json::value& member, const std::string& hub,
                                          const pki::Authorities& authorities, WallTime now) {
  agent::Credentials credentials;
  credentials.hub = hub;
  credentials.cluster = codec::string_at(member, {"name"});
  credentials.cluster_uid = codec::string_at(member, {"uid"});
  credentials.hub_roots_pem = pki::hub_roots_pem(authorities, now);
  credentials.user_roots_pem = authorities.users->certificate().pem();
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(const crypto::Certificate certificate,
      pki::issue_client_certificate(*authorities.agents,
                                    {"cluster", credentials.cluster, credentials.cluster_uid}, {},
                                    key.public_key(), now, pki::kAgentCertificateLifetime));
  credentials.private_key_pem = key.pem();
  credentials.certificate_pem = certificate.pem();
  return agent::HubIdentity::make(credentials, std::nullopt);
}

}  // namespace

Result<std::vector<agent::HubIdentityPtr>> make_identities(const std::string& data_dir,
                                                           const std::string& list_file,
                                                           const std::string& hub,
                                                           const Clock& clock, Random& random,
                                                           io::Shard& shard) {
  TRY(const std::string text, io::read_file(list_file, kMostListBytes));
  TRY(const codec::json::value list, codec::parse_json(text, {.max_bytes = kMostListBytes}));
  TRY(crypto::SealingKey sealing, crypto::SealingKey::load(data_dir + "/sealing.key"));
  storage::SqliteOptions options;
  options.path = data_dir + "/hub.db";
  TRY(const auto store, storage::SqliteStore::open(options, clock));
  TRY(const pki::Authorities authorities,
      shard.wait_for(pki::load_or_create_authorities(
          shard, *store, crypto::SealedBox(std::move(sealing)), clock, random)));
  if (!list.is_array()) {
    return Error(ErrorKind::InvalidArgument, list_file + ": not an array");
  }
  std::vector<agent::HubIdentityPtr> out;
  for (const codec::json::value& member : list.get_array()) {
    TRY(auto identity, identity_of(member, hub, authorities, clock.wall()));
    out.push_back(std::move(identity));
  }
  return out;
}

}  // namespace roadstead::fleet
