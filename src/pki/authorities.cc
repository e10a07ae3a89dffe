// SPDX-License-Identifier: Apache-2.0
#include "pki/authorities.h"

#include "codec/json.h"

namespace roadstead::pki {
namespace {

namespace json = codec::json;

constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 365 * 10);
constexpr auto kServerLifetime = std::chrono::hours(24 * 365);

struct KeyPair {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

Result<KeyPair> make_authority(const std::string& name, const Clock& clock, Random& random) {
  crypto::CertificateTemplate subject;
  subject.common_name = "roadstead " + name + " authority";
  subject.not_before = clock.wall() - kBackdate;
  subject.not_after = clock.wall() + kAuthorityLifetime;
  subject.ca = true;
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(crypto::Certificate certificate, crypto::issue_self_signed(subject, key, random));
  return KeyPair{std::move(certificate), std::move(key)};
}

Secret to_record(const KeyPair& pair) {
  return Secret(codec::write_json(json::object{{"certificate", pair.certificate.pem()},
                                               {"key", std::string(pair.key.pem().reveal())}}));
}

Result<KeyPair> from_record(const Secret& record) {
  TRY(const json::value value, codec::parse_json(record.reveal()));
  TRY(const std::vector<crypto::Certificate> chain,
      crypto::Certificate::chain_from_pem(codec::string_at(value, {"certificate"})));
  TRY(crypto::PrivateKey key,
      crypto::PrivateKey::from_pem(Secret(std::string(codec::string_at(value, {"key"})))));
  return KeyPair{chain.front(), std::move(key)};
}

io::Task<Result<std::unique_ptr<Signer>>> load_or_create(io::Executor& executor,
                                                         storage::SecretStore& store,
                                                         const crypto::SealedBox& sealing,
                                                         const Clock& clock, Random& random,
                                                         std::string name) {
  const std::string path = "authority/" + name;
  auto stored = co_await store.get_secret(executor, path);
  if (!stored.ok() && stored.error().kind() == ErrorKind::NotFound) {
    CO_TRY(const KeyPair made, make_authority(name, clock, random));
    auto put =
        co_await store.put_secret(executor, path, 0, sealing.seal(to_record(made), path, random));
    if (put.ok()) {
      co_return make_local_signer(made.certificate, made.key, random);
    }
    if (put.error().kind() != ErrorKind::AlreadyExists) {
      co_return std::move(put).error();
    }
    stored = co_await store.get_secret(executor, path);
  }
  if (!stored.ok()) {
    co_return std::move(stored).error();
  }
  auto opened = sealing.open(stored->bytes, path);
  if (!opened.ok()) {
    co_return std::move(opened).error().with_context("the key of the " + name + " authority");
  }
  CO_TRY(KeyPair pair, from_record(*opened));
  co_return make_local_signer(std::move(pair.certificate), std::move(pair.key), random);
}

}  // namespace

io::Task<Result<Authorities>> load_or_create_authorities(io::Executor& executor,
                                                         storage::SecretStore& store,
                                                         const crypto::SealedBox& sealing,
                                                         const Clock& clock, Random& random) {
  Authorities all;
  CO_TRY(all.hub, co_await load_or_create(executor, store, sealing, clock, random, "hub"));
  CO_TRY(all.agents, co_await load_or_create(executor, store, sealing, clock, random, "agents"));
  CO_TRY(all.users, co_await load_or_create(executor, store, sealing, clock, random, "users"));
  co_return all;
}

Result<crypto::Certificate> issue_client_certificate(const Signer& signer,
                                                     const tunnel::Subject& subject,
                                                     const std::vector<std::string>& groups,
                                                     const crypto::PublicKey& key, WallTime now,
                                                     Duration lifetime) {
  crypto::CertificateTemplate t;
  t.common_name = subject.name;
  t.organizations = groups;
  t.uris = {tunnel::subject_uri(subject)};
  t.not_before = now - kBackdate;
  t.not_after = now + lifetime;
  t.client_auth = true;
  return signer.sign(t, key);
}

Result<ServerIdentity> issue_server_identity(const Signer& signer, const std::string& common_name,
                                             std::vector<std::string> dns_names,
                                             std::vector<std::string> ip_addresses, WallTime now) {
  crypto::CertificateTemplate t;
  t.common_name = common_name;
  t.dns_names = std::move(dns_names);
  t.ip_addresses = std::move(ip_addresses);
  t.not_before = now - kBackdate;
  t.not_after = now + kServerLifetime;
  t.server_auth = true;
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(const crypto::Certificate certificate, signer.sign(t, key.public_key()));
  return ServerIdentity{certificate.pem() + signer.certificate().pem(), key.pem()};
}

}  // namespace roadstead::pki
