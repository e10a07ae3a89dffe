// SPDX-License-Identifier: Apache-2.0
// Getting a certificate from the hub: with the registration token, or with an old certificate and
// proof of its key. HTTP/1.1 over TLS, to the enrolment name of the hub's endpoint. Lives on the
// Agent's shard.
#pragma once

#include <string>

#include "agent/credentials.h"
#include "agent/hub.h"
#include "base/clock.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "io/executor.h"

namespace roadstead::agent {

inline constexpr std::string_view kEnrolPath = "/enrol/v1/certificate";
inline constexpr std::string_view kRenewalPath = "/enrol/v1/renewal";
inline constexpr std::string_view kRenewalExporterLabel = "EXPORTER-roadstead-renewal";

// What the Agent tells about itself and its cluster; empty texts mean unknown.
struct AgentFacts {
  std::string replica;
  std::string software;
  std::string api_server_ca_fingerprint;
  std::string cluster_uid;  // of kube-system
  std::string kubernetes_version;
  std::string platform;
};

struct EnrolmentAnswer {
  std::string certificate_pem;  // leaf first
  std::string user_roots_pem;   // "" keeps the old ones
  std::string hub_roots_pem;
  std::string audience;  // uid of the Cluster object; "" when not told

  // Also the control message "certificate".
  static Result<EnrolmentAnswer> from_json(const codec::json::value& message);
  // The credentials after this answer to a request that was signed with `key`. Tls when the
  // certificate is for another key, cluster or uid.
  Result<Credentials> apply(Credentials credentials, const crypto::PrivateKey& key) const;
};

class Enroller {
 public:
  Enroller(HubDialer& dialer, io::Executor& executor, std::optional<net::HostPort> hub)
      : dialer_(dialer), executor_(executor), hub_(std::move(hub)) {}

  // Error kinds: Unauthenticated (the token), Gone (the cluster was removed), Conflict (another API
  // server's CA) are the hub's answers, with `kube::Status` as detail; all others mean that the hub
  // was not reached or did not serve the request.
  io::Task<Result<EnrolmentAnswer>> enrol(Credentials credentials, crypto::PrivateKey key,
                                          AgentFacts facts);
  io::Task<Result<EnrolmentAnswer>> renew(Credentials credentials, crypto::PrivateKey next_key);

 private:
  io::Task<Result<net::StreamPtr>> dial(const Credentials& credentials);
  io::Task<Result<EnrolmentAnswer>> post(net::StreamPtr stream, std::string path,
                                         codec::json::object body, Secret token);

  HubDialer& dialer_;
  io::Executor& executor_;
  std::optional<net::HostPort> hub_;
};

// base64 of the old key's signature, which binds the request to this very TLS connection.
std::string renewal_proof(const crypto::PrivateKey& old_key, std::string_view exporter_hex,
                          std::string_view csr_pem);

// Was it the hub that said no (rather than the way to it)?
bool is_answer_of_hub(const Error& error);

}  // namespace roadstead::agent
