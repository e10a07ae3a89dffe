// SPDX-License-Identifier: Apache-2.0
#include "api/enrolment.h"

#include "api/json_answer.h"
#include "base/ascii.h"
#include "base/rfc3339.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "http/relay.h"
#include "kube/status.h"
#include "stub/answers.h"

namespace roadstead::api {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxBody = 64 * 1024;

// Whole sites call from one address when they are registered together.
constexpr RateLimit::Rate kEachSource{.per_second = 5, .burst = 100};
constexpr RateLimit::Rate kAllSources{.per_second = 100, .burst = 1000};
constexpr std::size_t kMaxSources = 4096;

// Nothing was done yet, so the call may be repeated.
kube::Status busy(std::string_view why, Duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.code = 429,
          .reason = "TooManyRequests",
          .message = std::string(why) + "; try again in " + std::to_string(seconds) + " s",
          .retry_after_seconds = static_cast<int>(seconds)};
}

Result<Secret> bearer_token(const http::Headers& headers) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string* field = headers.find("authorization");
  if (field == nullptr || !ascii::starts_with_ignore_case(*field, kScheme)) {
    return Error(ErrorKind::Unauthenticated, "no registration token was sent");
  }
  return Secret(std::string(ascii::trim(std::string_view(*field).substr(kScheme.size()))));
}

Error removed(const std::string& cluster) {
  return kube::make_error(
      ErrorKind::Gone,
      {.code = 410,
       .reason = "Gone",
       .message = "cluster \"" + cluster + "\" was removed from this hub; the Agent may stop"});
}

std::string reason_word(const Error& error) {
  const std::string& m = error.message();
  if (error.kind() == ErrorKind::Conflict) {
    return "OtherAPIServer";
  }
  if (error.kind() == ErrorKind::Gone) {
    return "Removed";
  }
  if (m.find("token was used") != std::string::npos) {
    return "TokenUsed";
  }
  if (m.find("token expired") != std::string::npos) {
    return "TokenExpired";
  }
  if (m.find("token") != std::string::npos) {
    return "TokenUnknown";
  }
  return "Refused";
}

}  // namespace

Enrolment::Enrolment(io::Executor& executor, Rules rules)
    : executor_(executor),
      rules_(std::move(rules)),
      rate_(rules_.clock, kEachSource, kAllSources, kMaxSources) {}

io::Task<void> Enrolment::handle(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  const bool certificate = request.target == "/enrol/v1/certificate";
  const bool renewal = request.target == "/enrol/v1/renewal";
  if (request.method != "POST" || (!certificate && !renewal)) {
    co_await stub::answer_status(exchange, kube::status_of(kube::route_not_found()));
    co_return;
  }
  EnrolmentCall call;
  call.address = exchange.connection().peer_address;
  if (const auto wait = rate_.take(RateLimit::source_of(call.address)); wait.has_value()) {
    co_await stub::answer_status(exchange, busy("too many enrolment calls", *wait));
    co_return;
  }
  const auto permit = running_.try_take();
  if (!permit.has_value()) {
    co_await stub::answer_status(exchange,
                                 busy("too many enrolment calls at once", std::chrono::seconds(1)));
    co_return;
  }
  auto outcome = co_await serve(exchange, certificate, call);
  if (!outcome.ok()) {
    call.error = outcome.error().message();
    call.reason = reason_word(outcome.error());
    rules_.logger.warn(
        "enrolment refused",
        {{"cluster", call.cluster.substr(0, 63)}, {"source", call.address}, {"why", call.error}});
  }
  if (rules_.clusters.find(call.cluster).has_value()) {
    rules_.report(call);
  }
  if (outcome.ok()) {
    co_await answer_json(exchange, *outcome);
  } else {
    co_await stub::answer_status(exchange, kube::status_of(outcome.error()));
  }
}

io::Task<Result<json::object>> Enrolment::serve(http::ServerExchange& exchange, bool with_token,
                                                EnrolmentCall& call) {
  CO_TRY(const std::string text, co_await http::read_whole(exchange, kMaxBody));
  CO_TRY(const json::value body, codec::parse_json(text, {.max_bytes = kMaxBody, .max_depth = 8}));
  call.cluster = codec::string_at(body, {"cluster"});
  call.ca_fingerprint = codec::string_at(body, {"apiServerCAFingerprint"});
  if (with_token) {
    co_return co_await enrol(exchange, body, call);
  }
  co_return renew(exchange, body, call);
}

Result<registry::ClusterEntry> Enrolment::cluster_for(const std::string& name,
                                                      const std::string& uid) const {
  const auto entry = rules_.clusters.find(name);
  if (!entry.has_value() || entry->uid != uid || entry->removing) {
    return removed(name);
  }
  return *entry;
}

io::Task<Result<json::object>> Enrolment::enrol(http::ServerExchange& exchange,
                                                const json::value& body, EnrolmentCall& call) {
  CO_TRY(Secret token, bearer_token(exchange.request().headers));
  const std::string csr(codec::string_at(body, {"csr"}));
  CO_TRY(const crypto::CertificateSigningRequest request,
         crypto::CertificateSigningRequest::from_pem(csr));
  const std::string key_id = crypto::sha256_hex(request.public_key().der());
  CO_TRY(const std::string subject, co_await rules_.tokens.redeem(executor_, token, key_id));
  // The token is bound to the cluster's uid, so a name that was used again inherits nothing.
  CO_TRY(const registry::ClusterEntry cluster, cluster_for(call.cluster, subject));
  // Only who has a token may raise the alarm.
  const std::string known_ca = rules_.registered_ca(call.cluster);
  if (!known_ca.empty() && !call.ca_fingerprint.empty() && known_ca != call.ca_fingerprint) {
    co_return Error(
        ErrorKind::Conflict,
        "cluster \"" + call.cluster + "\" was registered with another API server (its CA differs)");
  }
  co_return issue(cluster, csr, &call.not_after);
}

Result<json::object> Enrolment::renew(http::ServerExchange& exchange, const json::value& body,
                                      EnrolmentCall& call) const {
  TRY(const std::vector<crypto::Certificate> chain,
      crypto::Certificate::chain_from_pem(codec::string_at(body, {"certificate"})));
  const crypto::Certificate& old = chain.front();
  const WallTime now = rules_.clock.wall();
  if (now - old.not_after() > kRenewalWindow) {
    return Error(ErrorKind::Unauthenticated,
                 "the certificate expired at " + format_rfc3339(old.not_after()) +
                     ", more than 90 days ago; download and apply the manifest again");
  }
  // Expiry is what renewal is for, so the chain is checked at a moment when it was valid.
  const WallTime then = now > old.not_after() ? old.not_after() : now;
  TRY_VOID(crypto::verify_chain(chain, {rules_.authorities.agents->certificate()}, then,
                                crypto::Purpose::ClientAuth)
               .with_context("the old certificate"));
  TRY(const tunnel::Subject subject, tunnel::subject_of(old));
  if (subject.kind != "cluster" || subject.name != call.cluster) {
    return Error(ErrorKind::Unauthenticated, "the old certificate is of another cluster");
  }
  TRY(const registry::ClusterEntry cluster, cluster_for(subject.name, subject.uid));
  const std::string csr(codec::string_at(body, {"csr"}));
  TRY(const std::string proof, codec::base64_decode(codec::string_at(body, {"proof"})));
  if (exchange.connection().tls == nullptr) {
    return Error(ErrorKind::Tls, "renewal needs TLS");
  }
  TRY(const auto exporter,
      exchange.connection().tls->export_keying_material(kRenewalExporterLabel));
  const std::string message =
      "roadstead-renewal-v1\n" + crypto::to_hex(exporter) + "\n" + crypto::sha256_hex(csr);
  if (!old.public_key().verify(message, proof)) {
    return Error(ErrorKind::Unauthenticated, "the proof was not made with the old key");
  }
  return issue(cluster, csr, &call.not_after);
}

Result<json::object> Enrolment::issue(const registry::ClusterEntry& cluster,
                                      std::string_view csr_pem, WallTime* not_after) const {
  TRY(const crypto::CertificateSigningRequest request,
      crypto::CertificateSigningRequest::from_pem(csr_pem));
  const pki::Authorities& authorities = rules_.authorities;
  TRY(const crypto::Certificate certificate,
      pki::issue_client_certificate(*authorities.agents, {"cluster", cluster.name, cluster.uid}, {},
                                    request.public_key(), rules_.clock.wall(),
                                    rules_.certificate_lifetime));
  if (not_after != nullptr) {
    *not_after = certificate.not_after();
  }
  return json::object{{"certificate", certificate.pem()},
                      {"userRoots", authorities.users->certificate().pem()},
                      {"hubRoots", pki::hub_roots_pem(authorities, rules_.clock.wall())},
                      {"audience", cluster.uid},
                      {"notAfter", format_rfc3339(certificate.not_after())}};
}

}  // namespace roadstead::api
