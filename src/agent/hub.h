// SPDX-License-Identifier: Apache-2.0
// How the Agent reaches the hub: whom it trusts, as whom it comes, and the two kinds of connections
// it makes. Lives on the Agent's shard.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/credentials.h"
#include "agent/lane_server.h"
#include "crypto/certificate.h"
#include "io/blocking_pool.h"
#include "net/proxy_connect.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace roadstead::agent {

// An enrolled Agent's side of the tunnel. Immutable; replaced as a whole at renewal.
struct HubIdentity {
  net::HostPort hub;
  std::string cluster;
  crypto::Certificate certificate;
  std::shared_ptr<net::TlsClientContext> context;  // keeps the TLS sessions for resumption
  std::shared_ptr<const PinnedTrust> trust;
  std::string content;  // digest of everything above, to tell whether two are the same

  // `hub` overrides the address in the credentials.
  static Result<std::shared_ptr<const HubIdentity>> make(const Credentials& credentials,
                                                         const std::optional<net::HostPort>& hub);
};
using HubIdentityPtr = std::shared_ptr<const HubIdentity>;

class HubDialer {
 public:
  virtual ~HubDialer() = default;
  // A lane: mutual TLS with the tunnel's name.
  virtual io::Task<Result<net::StreamPtr>> dial_lane(HubIdentityPtr identity) = 0;
  // For enrolment: the hub is verified, the Agent has no certificate yet.
  virtual io::Task<Result<net::StreamPtr>> dial_enrolment(net::HostPort hub,
                                                          std::string hub_roots_pem) = 0;
};

class TlsHubDialer final : public HubDialer {
 public:
  TlsHubDialer(io::Shard& shard, io::BlockingPool& resolver, net::ProxySettings proxy)
      : shard_(shard), resolver_(resolver), proxy_(std::move(proxy)) {}

  io::Task<Result<net::StreamPtr>> dial_lane(HubIdentityPtr identity) override;
  io::Task<Result<net::StreamPtr>> dial_enrolment(net::HostPort hub,
                                                  std::string hub_roots_pem) override;

 private:
  io::Task<Result<net::StreamPtr>> connect(net::HostPort hub,
                                           std::shared_ptr<net::TlsClientContext> context,
                                           std::string server_name);

  io::Shard& shard_;
  io::BlockingPool& resolver_;
  net::ProxySettings proxy_;
};

}  // namespace roadstead::agent
