// SPDX-License-Identifier: Apache-2.0
#include "pki/authorities.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "codec/json.h"
#include "crypto/digest.h"

namespace roadstead::pki {
namespace {

namespace json = codec::json;

constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 365 * 10);
constexpr std::string_view kHubPath = "authority/hub";

struct Record {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
  std::optional<FormerAuthority> former;
};

// Only the hub's authority is ever replaced, so only it may have another one below it.
crypto::CertificateTemplate authority_template(const std::string& name, const Clock& clock) {
  crypto::CertificateTemplate subject;
  subject.common_name = "roadstead " + name + " authority";
  subject.not_before = clock.wall() - kBackdate;
  subject.not_after = clock.wall() + kAuthorityLifetime;
  subject.ca = true;
  subject.path_length = name == "hub" ? 1 : 0;
  return subject;
}

Result<Record> make_authority(const crypto::CertificateTemplate& subject, Random& random) {
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(crypto::Certificate certificate, crypto::issue_self_signed(subject, key, random));
  return Record{std::move(certificate), std::move(key), std::nullopt};
}

Secret to_text(const Record& record) {
  json::object out{{"certificate", record.certificate.pem()},
                   {"key", std::string(record.key.pem().reveal())}};
  if (record.former.has_value()) {
    out["former"] = {{"certificate", record.former->certificate.pem()},
                     {"cross", record.former->cross.pem()},
                     {"until", format_rfc3339(record.former->until)}};
  }
  return Secret(codec::write_json(out));
}

Result<crypto::Certificate> certificate_at(const json::value& value,
                                           std::initializer_list<std::string_view> path) {
  TRY(const auto chain, crypto::Certificate::chain_from_pem(codec::string_at(value, path)));
  return chain.front();
}

Result<Record> from_text(const Secret& text) {
  TRY(const json::value value, codec::parse_json(text.reveal()));
  TRY(crypto::Certificate certificate, certificate_at(value, {"certificate"}));
  TRY(crypto::PrivateKey key,
      crypto::PrivateKey::from_pem(Secret(std::string(codec::string_at(value, {"key"})))));
  Record record{std::move(certificate), std::move(key), std::nullopt};
  if (codec::find(value, {"former"}) != nullptr) {
    TRY(crypto::Certificate old, certificate_at(value, {"former", "certificate"}));
    TRY(crypto::Certificate cross, certificate_at(value, {"former", "cross"}));
    TRY(const WallTime until, parse_rfc3339(codec::string_at(value, {"former", "until"})));
    record.former = FormerAuthority{std::move(old), std::move(cross), until};
  }
  return record;
}

Result<Secret> open_secret(const crypto::SealedBox& sealing, const std::string& bytes,
                           const std::string& path) {
  auto opened = sealing.open(bytes, path);
  if (!opened.ok()) {
    return std::move(opened).error().with_context("the key of " + path);
  }
  return opened;
}

// What is stored, or `fresh` once it is.
io::Task<Result<Secret>> stored_or(io::Executor& executor, storage::SecretStore& store,
                                   const crypto::SealedBox& sealing, Random& random,
                                   std::string path, UniqueFunction<Result<Secret>()> fresh) {
  auto stored = co_await store.get_secret(executor, path);
  if (!stored.ok() && stored.error().kind() == ErrorKind::NotFound) {
    CO_TRY(Secret made, fresh());
    const auto put = co_await store.put_secret(executor, path, 0, sealing.seal(made, path, random));
    if (put.ok()) {
      co_return made;
    }
    if (put.error().kind() != ErrorKind::AlreadyExists) {
      co_return put.error();
    }
    stored = co_await store.get_secret(executor, path);
  }
  if (!stored.ok()) {
    co_return std::move(stored).error();
  }
  co_return open_secret(sealing, stored->bytes, path);
}

io::Task<Result<Record>> load_or_create(io::Executor& executor, storage::SecretStore& store,
                                        const crypto::SealedBox& sealing, const Clock& clock,
                                        Random& random, std::string name) {
  const auto fresh = [&]() -> Result<Secret> {
    TRY(const Record made, make_authority(authority_template(name, clock), random));
    return to_text(made);
  };
  CO_TRY(const Secret text,
         co_await stored_or(executor, store, sealing, random, "authority/" + name, fresh));
  co_return from_text(text);
}

Secret random_root(Random& random) {
  constexpr std::size_t kRootBytes = 32;
  std::string bytes(kRootBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return Secret(std::move(bytes));
}

std::unique_ptr<Signer> signer_of(Record record, Random& random) {
  return make_local_signer(std::move(record.certificate), std::move(record.key), random);
}

bool counts(const std::optional<FormerAuthority>& former, WallTime now) {
  return former.has_value() && now < former->until;
}

}  // namespace

io::Task<Result<Authorities>> load_or_create_authorities(io::Executor& executor,
                                                         storage::SecretStore& store,
                                                         const crypto::SealedBox& sealing,
                                                         const Clock& clock, Random& random) {
  Authorities all;
  CO_TRY(Record hub, co_await load_or_create(executor, store, sealing, clock, random, "hub"));
  CO_TRY(Record agents, co_await load_or_create(executor, store, sealing, clock, random, "agents"));
  CO_TRY(Record users, co_await load_or_create(executor, store, sealing, clock, random, "users"));
  CO_TRY(all.tunnel_tickets,
         co_await stored_or(executor, store, sealing, random, "tickets/tunnel",
                            [&random]() -> Result<Secret> { return random_root(random); }));
  all.former_hub = hub.former;
  all.hub = signer_of(std::move(hub), random);
  all.agents = signer_of(std::move(agents), random);
  all.users = signer_of(std::move(users), random);
  co_return all;
}

io::Task<Result<void>> rotate_hub_authority(io::Executor& executor, storage::SecretStore& store,
                                            const crypto::SealedBox& sealing, const Clock& clock,
                                            Random& random) {
  const std::string path(kHubPath);
  CO_TRY(const storage::SealedBlob stored, co_await store.get_secret(executor, path));
  CO_TRY(const Secret text, open_secret(sealing, stored.bytes, path));
  CO_TRY(const Record old, from_text(text));
  const WallTime now = clock.wall();
  if (counts(old.former, now)) {
    co_return Error(ErrorKind::AlreadyExists,
                    "the hub's CA was replaced already, and the one before it is trusted until " +
                        format_rfc3339(old.former->until) +
                        "; replace it again after that, so that nobody is left behind");
  }
  crypto::CertificateTemplate subject = authority_template("hub", clock);
  // A name of its own: whoever builds a chain can tell it from the old one.
  subject.common_name += " of " + format_rfc3339(now).substr(0, 10);
  CO_TRY(Record next, make_authority(subject, random));
  subject.path_length = 0;
  subject.not_after = std::min(subject.not_after, old.certificate.not_after());
  CO_TRY(crypto::Certificate cross,
         crypto::issue(subject, next.key.public_key(), old.certificate, old.key, random));
  const WallTime until = std::min<WallTime>(now + kAuthorityOverlap, old.certificate.not_after());
  next.former = FormerAuthority{old.certificate, std::move(cross), until};
  CO_TRY_VOID(co_await store.put_secret(executor, path, stored.version,
                                        sealing.seal(to_text(next), path, random)));
  co_return Result<void>();
}

bool hub_authority_is_due(const Authorities& authorities, WallTime now) {
  const crypto::Certificate& own = authorities.hub->certificate();
  return own.not_after() - now < (own.not_after() - own.not_before()) / 3;
}

std::string hub_roots_pem(const Authorities& authorities, WallTime now) {
  std::string out = authorities.hub->certificate().pem();
  if (counts(authorities.former_hub, now)) {
    out += authorities.former_hub->certificate.pem();
  }
  return out;
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

std::string group_organization(const Signer& users, std::string_view name) {
  const std::string digest =
      crypto::sha256_hex(users.certificate().fingerprint() + "\n" + std::string(name));
  return std::string(name) + ':' + digest.substr(0, 8) + '-' + digest.substr(8, 4) + '-' +
         digest.substr(12, 4) + '-' + digest.substr(16, 4) + '-' + digest.substr(20, 12);
}

Result<ServerIdentity> issue_server_identity(const Authorities& authorities,
                                             const std::string& common_name,
                                             std::vector<std::string> dns_names,
                                             std::vector<std::string> ip_addresses, WallTime now,
                                             Duration lifetime) {
  crypto::CertificateTemplate t;
  t.common_name = common_name;
  t.dns_names = std::move(dns_names);
  t.ip_addresses = std::move(ip_addresses);
  t.not_before = now - kBackdate;
  t.not_after = now + lifetime;
  t.server_auth = true;
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(const crypto::Certificate certificate, authorities.hub->sign(t, key.public_key()));
  std::string chain = certificate.pem();
  const bool overlap = counts(authorities.former_hub, now);
  // First, since who knows only the old authority takes the first issuer that fits.
  if (overlap) {
    chain += authorities.former_hub->cross.pem();
  }
  // Those who pin an authority by its fingerprint want to see it.
  chain += authorities.hub->certificate().pem();
  if (overlap) {
    chain += authorities.former_hub->certificate.pem();
  }
  return ServerIdentity{std::move(chain), key.pem()};
}

}  // namespace roadstead::pki
