// SPDX-License-Identifier: Apache-2.0
#include "agent/enrolment.h"

#include "codec/base64.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "http/h1_connection.h"
#include "http/relay.h"
#include "io/sleep.h"
#include "kube/status.h"
#include "tunnel/names.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr Duration kAnswerTimeout = std::chrono::seconds(15);
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

io::Task<Result<std::string>> converse(http::ClientExchange& exchange, const std::string& body,
                                       int* status) {
  CO_TRY_VOID(co_await exchange.write(body));
  CO_TRY_VOID(co_await exchange.finish());
  CO_TRY(const http::ResponseHead response, co_await exchange.response());
  *status = response.status;
  co_return co_await http::read_whole(exchange, kMaxAnswerBytes);
}

http::RequestHead make_head(std::string path, const std::string& body, const Secret& token) {
  http::RequestHead head;
  head.method = "POST";
  head.authority = tunnel::kEnrolmentName;
  head.target = std::move(path);
  head.headers.add("content-type", "application/json");
  head.headers.add("accept", "application/json");
  head.headers.add("content-length", std::to_string(body.size()));
  head.headers.add("connection", "close");
  if (!token.empty()) {
    head.headers.add("authorization", "Bearer " + std::string(token.reveal()), true);
  }
  return head;
}

}  // namespace

Result<EnrolmentAnswer> EnrolmentAnswer::from_json(const json::value& message) {
  EnrolmentAnswer answer;
  answer.certificate_pem = codec::string_at(message, {"certificate"});
  answer.user_roots_pem = codec::string_at(message, {"userRoots"});
  answer.hub_roots_pem = codec::string_at(message, {"hubRoots"});
  answer.audience = codec::string_at(message, {"audience"});
  if (answer.certificate_pem.empty()) {
    return Error(ErrorKind::Protocol, "the hub's answer holds no certificate");
  }
  return answer;
}

Result<Credentials> EnrolmentAnswer::apply(Credentials credentials,
                                           const crypto::PrivateKey& key) const {
  TRY(const auto chain, crypto::Certificate::chain_from_pem(certificate_pem));
  if (chain.front().public_key().der() != key.public_key().der()) {
    return Error(ErrorKind::Tls, "the hub sent a certificate for another key");
  }
  TRY(const tunnel::Subject subject, tunnel::subject_of(chain.front()));
  const std::string& uid = audience.empty() ? credentials.cluster_uid : audience;
  if (subject.kind != "cluster" || subject.name != credentials.cluster || subject.uid != uid ||
      uid != credentials.cluster_uid) {
    return Error(ErrorKind::Tls, "the hub sent a certificate for " + tunnel::subject_uri(subject) +
                                     ", asked for was cluster \"" + credentials.cluster +
                                     "\" (uid " + credentials.cluster_uid + ")");
  }
  credentials.certificate_pem = certificate_pem;
  credentials.private_key_pem = key.pem();
  credentials.next_key_pem = Secret();
  if (!user_roots_pem.empty()) {
    TRY_VOID(crypto::Certificate::chain_from_pem(user_roots_pem, 100));
    credentials.user_roots_pem = user_roots_pem;
  }
  if (!hub_roots_pem.empty()) {
    TRY_VOID(crypto::Certificate::chain_from_pem(hub_roots_pem, 100));
    credentials.hub_roots_pem = hub_roots_pem;
  }
  return credentials;
}

std::string renewal_proof(const crypto::PrivateKey& old_key, std::string_view exporter_hex,
                          std::string_view csr_pem) {
  std::string text = "roadstead-renewal-v1\n";
  text.append(exporter_hex).append("\n").append(crypto::sha256_hex(csr_pem));
  return codec::base64_encode(old_key.sign(text));
}

bool is_answer_of_hub(const Error& error) { return kube::carries_status(error); }

io::Task<Result<net::StreamPtr>> Enroller::dial(const Credentials& credentials) {
  CO_TRY(net::HostPort stored, net::parse_host_port(credentials.hub, "8443"));
  co_return co_await dialer_.dial_enrolment(hub_.value_or(std::move(stored)),
                                            credentials.hub_roots_pem);
}

io::Task<Result<EnrolmentAnswer>> Enroller::post(net::StreamPtr stream, std::string path,
                                                 json::object body, Secret token) {
  const std::string text = codec::write_json(body);
  const auto client = http::H1Client::create(std::move(stream), {});
  const io::DeadlineGuard guard(executor_, Deadline::after(executor_.clock(), kAnswerTimeout),
                                [&client] { client->close(); });
  auto opened = co_await client->open(make_head(std::move(path), text, token), false);
  if (!opened.ok()) {
    co_return std::move(opened).error();
  }
  int status = 0;
  const auto answer = co_await converse(**opened, text, &status);
  if (!answer.ok() && guard.expired()) {
    co_return Error(ErrorKind::DeadlineExceeded, "the hub gave no answer within 15 s");
  }
  CO_TRY_VOID(answer);
  if (status != 200) {
    co_return kube::make_error(kube::kind_of_http_status(status),
                               kube::parse_status(status, *answer));
  }
  CO_TRY(const json::value value, codec::parse_json(*answer));
  co_return EnrolmentAnswer::from_json(value);
}

io::Task<Result<EnrolmentAnswer>> Enroller::enrol(Credentials credentials, crypto::PrivateKey key,
                                                  AgentFacts facts) {
  CO_TRY(const std::string csr,
         crypto::CertificateSigningRequest::create_pem(key, credentials.cluster));
  CO_TRY(net::StreamPtr stream, co_await dial(credentials));
  co_return co_await post(std::move(stream), std::string(kEnrolPath),
                          {{"cluster", credentials.cluster},
                           {"csr", csr},
                           {"replica", facts.replica},
                           {"software", facts.software},
                           {"apiServerCAFingerprint", facts.api_server_ca_fingerprint},
                           {"clusterUID", facts.cluster_uid},
                           {"kubernetesVersion", facts.kubernetes_version},
                           {"platform", facts.platform}},
                          credentials.token);
}

io::Task<Result<EnrolmentAnswer>> Enroller::renew(Credentials credentials,
                                                  crypto::PrivateKey next_key) {
  CO_TRY(const std::string csr,
         crypto::CertificateSigningRequest::create_pem(next_key, credentials.cluster));
  CO_TRY(const crypto::PrivateKey old_key,
         crypto::PrivateKey::from_pem(credentials.private_key_pem));
  CO_TRY(net::StreamPtr stream, co_await dial(credentials));
  std::string exporter(64, '0');  // without TLS, which only tests do
  if (stream->tls() != nullptr) {
    CO_TRY(const auto secret, stream->tls()->export_keying_material(kRenewalExporterLabel));
    exporter = crypto::to_hex(secret);
  }
  co_return co_await post(std::move(stream), std::string(kRenewalPath),
                          {{"cluster", credentials.cluster},
                           {"csr", csr},
                           {"certificate", credentials.certificate_pem},
                           {"proof", renewal_proof(old_key, exporter, csr)}},
                          Secret());
}

}  // namespace roadstead::agent
