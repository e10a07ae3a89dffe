// SPDX-License-Identifier: Apache-2.0
// The enrolment port: how an Agent turns its registration token into a certificate, and an expired
// certificate plus proof of its key into a new one. Reached under the server name
// enrol.roadstead.internal only; asks for no client certificate. Lives on the hub's first shard.
//
//   POST /enrol/v1/certificate   authorization: Bearer TOKEN; JSON: cluster, csr, replica, ...
//   POST /enrol/v1/renewal       JSON: cluster, csr, certificate, proof
#pragma once

#include <functional>
#include <string>

#include "api/rate_limit.h"
#include "base/clock.h"
#include "codec/json.h"
#include "http/message.h"
#include "io/quota.h"
#include "pki/authorities.h"
#include "pki/one_time_tokens.h"
#include "registry/cluster_directory.h"
#include "telemetry/log.h"

namespace roadstead::api {

inline constexpr std::string_view kRenewalExporterLabel = "EXPORTER-roadstead-renewal";
// An Agent may be away this long and still renew by itself.
inline constexpr Duration kRenewalWindow = std::chrono::hours(90 * 24);

struct EnrolmentCall {
  std::string cluster;
  std::string address;
  std::string ca_fingerprint;
  std::string error;   // "" when a certificate was issued
  std::string reason;  // a word for the ladder
  WallTime not_after{};
};

class Enrolment final : public http::Handler {
 public:
  struct Rules {
    const Clock& clock;
    const registry::ClusterDirectory& clusters;
    const pki::Authorities& authorities;
    pki::OneTimeTokens& tokens;
    // The API server CA that the cluster registered with; "" when none is known yet.
    std::function<std::string(const std::string& cluster)> registered_ca;
    std::function<void(const EnrolmentCall&)> report;  // feeds the ladder
    telemetry::Logger logger;
    Duration certificate_lifetime = pki::kAgentCertificateLifetime;
  };
  Enrolment(io::Executor& executor, Rules rules);

  io::Task<void> handle(http::ServerExchange& exchange) override;

  // Signs a request for a cluster and wraps it with the bundle that the Agent pins.
  Result<codec::json::object> issue(const registry::ClusterEntry& cluster, std::string_view csr_pem,
                                    WallTime* not_after) const;

 private:
  io::Task<Result<codec::json::object>> enrol(http::ServerExchange& exchange,
                                              const codec::json::value& body, EnrolmentCall& call);
  Result<codec::json::object> renew(http::ServerExchange& exchange, const codec::json::value& body,
                                    EnrolmentCall& call) const;
  Result<registry::ClusterEntry> cluster_for(const std::string& name, const std::string& uid) const;

  io::Task<Result<codec::json::object>> serve(http::ServerExchange& exchange, bool with_token,
                                              EnrolmentCall& call);

  io::Executor& executor_;
  Rules rules_;
  io::Quota running_{32};  // each may cost a store read and a signature
  RateLimit rate_;
};

}  // namespace roadstead::api
