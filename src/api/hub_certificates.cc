// SPDX-License-Identifier: Apache-2.0
#include "api/hub_certificates.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "io/files.h"
#include "tunnel/names.h"

namespace roadstead::api {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(10);
constexpr Duration kLookAtLeast = std::chrono::seconds(1);

net::TlsServerOptions for_users(const pki::ServerIdentity& identity,
                                const pki::Authorities& authorities) {
  net::TlsServerOptions out;
  out.identity = {identity.chain_pem, identity.key_pem};
  out.client_certificates = net::ClientCertificates::Optional;
  out.client_roots_pem = authorities.users->certificate().pem();
  out.alpn = {"h2", "http/1.1"};
  out.session_id_context = "roadstead users";
  return out;
}

net::TlsServerOptions for_tunnel(const pki::ServerIdentity& identity,
                                 const pki::Authorities& authorities) {
  net::TlsServerOptions out;
  out.identity = {identity.chain_pem, identity.key_pem};
  out.client_certificates = net::ClientCertificates::Required;
  out.client_roots_pem = authorities.agents->certificate().pem();
  out.alpn = {std::string(tunnel::kAlpn)};
  out.session_id_context = "roadstead tunnel";
  out.ticket_root = authorities.tunnel_tickets;
  out.tls13_only = true;
  return out;
}

net::TlsServerOptions for_enrolment(const pki::ServerIdentity& identity) {
  net::TlsServerOptions out;
  out.identity = {identity.chain_pem, identity.key_pem};
  out.alpn = {"http/1.1"};
  out.session_id_context = "roadstead enrolment";
  out.tls13_only = true;
  return out;
}

std::string stamp_of(const std::string& certificate, const std::string& key) {
  return io::file_stamp(certificate) + ' ' + io::file_stamp(key);
}

}  // namespace

HubCertificates::HubCertificates(Options options, const pki::Authorities& authorities,
                                 const Clock& clock, EdgeContexts& contexts,
                                 HubAddresses& addresses, telemetry::Logger logger)
    : options_(std::move(options)),
      authorities_(authorities),
      clock_(clock),
      contexts_(contexts),
      addresses_(addresses),
      logger_(std::move(logger)) {}

Result<HubCertificates::Files> HubCertificates::read_files(const std::string& certificate,
                                                           const std::string& key) {
  Files files;
  TRY(files.chain_pem, io::read_file(certificate).with_context("tlsCertificate"));
  TRY(std::string key_pem, io::read_file(key).with_context("tlsKey"));
  files.key_pem = Secret(std::move(key_pem));
  return files;
}

Duration HubCertificates::interval() const {
  return std::clamp<Duration>(options_.lifetime / 10, kLookAtLeast, kLookEvery);
}

bool HubCertificates::is_due() const { return clock_.wall() - made_ >= options_.lifetime / 3 * 2; }

Result<void> HubCertificates::make() {
  TRY_VOID(make_own());
  if (options_.certificate_file.empty()) {
    return {};
  }
  file_stamp_ = stamp_of(options_.certificate_file, options_.key_file);
  TRY(const Files files, read_files(options_.certificate_file, options_.key_file));
  TRY(const auto chain,
      crypto::Certificate::chain_from_pem(files.chain_pem).with_context("tlsCertificate"));
  return use({files.chain_pem, files.key_pem}, chain.back().pem()).with_context("tlsCertificate");
}

// What the hub's own authority signs.
Result<void> HubCertificates::make_own() {
  const WallTime now = clock_.wall();
  const std::string tunnel_zone(tunnel::kTunnelZone);
  TRY(const pki::ServerIdentity internal,
      pki::issue_server_identity(
          authorities_, "roadstead tunnel",
          {tunnel_zone, "*." + tunnel_zone, std::string(tunnel::kEnrolmentName)}, {}, now,
          options_.lifetime));
  TRY(auto tunnel, net::TlsServerContext::create(for_tunnel(internal, authorities_)));
  TRY(auto enrolment, net::TlsServerContext::create(for_enrolment(internal)));
  if (options_.certificate_file.empty()) {
    TRY(const pki::ServerIdentity serving,
        pki::issue_server_identity(authorities_, "roadstead hub", options_.dns_names,
                                   options_.ip_addresses, now, options_.lifetime));
    TRY_VOID(use(serving, pki::hub_roots_pem(authorities_, now)));
  }
  contexts_.tunnel.store(std::move(tunnel));
  contexts_.enrolment.store(std::move(enrolment));
  made_ = now;
  return {};
}

Result<void> HubCertificates::use(const pki::ServerIdentity& serving, std::string roots_pem) {
  TRY(auto users, net::TlsServerContext::create(for_users(serving, authorities_)));
  contexts_.users.store(std::move(users));
  addresses_.serving_roots_pem = std::move(roots_pem);
  return {};
}

io::Task<void> HubCertificates::renew(io::Executor& home, io::BlockingPool& pool) {
  if (is_due()) {
    const auto made = make_own();
    if (made.ok()) {
      logger_.info("the hub's own certificates were renewed",
                   {{"goodUntil", format_rfc3339(made_ + options_.lifetime)}});
    } else {
      logger_.error("the hub's own certificates were not renewed",
                    {{"error", made.error().message()}});
    }
  }
  if (options_.certificate_file.empty()) {
    co_return;
  }
  struct Look {
    std::string stamp;
    std::optional<Result<Files>> files;
  };
  auto look = co_await pool.run(home,
                                [certificate = options_.certificate_file, key = options_.key_file,
                                 before = file_stamp_]() -> Result<Look> {
                                  Look found{stamp_of(certificate, key), std::nullopt};
                                  if (found.stamp != before) {
                                    found.files = read_files(certificate, key);
                                  }
                                  return found;
                                });
  if (!look.ok() || !look->files.has_value()) {
    co_return;
  }
  file_stamp_ = look->stamp;
  Result<void> used;
  if (const Result<Files>& files = *look->files; files.ok()) {
    const auto chain = crypto::Certificate::chain_from_pem(files->chain_pem);
    used = chain.ok() ? use({files->chain_pem, files->key_pem}, chain->back().pem())
                      : Result<void>(chain.error());
  } else {
    used = files.error();
  }
  if (used.ok()) {
    logger_.info("a new tlsCertificate is in use", {{"file", options_.certificate_file}});
  } else {
    logger_.error("the new tlsCertificate is not usable, the old one stays in use",
                  {{"file", options_.certificate_file}, {"error", used.error().message()}});
  }
}

}  // namespace roadstead::api
