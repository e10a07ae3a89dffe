// SPDX-License-Identifier: Apache-2.0
// The user port: who? may they? which Stub? One for each shard; everything it refers to outlives
// it.
#pragma once

#include <string>
#include <variant>

#include "api/routing.h"
#include "audit/sink.h"
#include "http/message.h"
#include "identity/directory.h"
#include "policy/authorizer.h"
#include "registry/cluster_directory.h"
#include "stub/tunnel_directory.h"

namespace roadstead::api {

struct UserPort {
  std::string zone;
  const Clock& clock;
  Random& random;
  const identity::Directory& directory;
  const registry::ClusterDirectory& clusters;
  const policy::Authorizer& authorizer;
  audit::AuditSink& audit;
  const stub::TunnelDirectory& tunnels;
};

class UserHandler final : public http::Handler {
 public:
  // `hub` serves the hub's own API; it authenticates by itself, because a few of its paths are for
  // people who have no certificate yet. On shards other than the hub API's own it is nullptr.
  UserHandler(const UserPort& port, http::Handler* hub) : port_(port), hub_(hub) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;

 private:
  struct Refusal {
    std::string user;
    std::string rule;
    Error error;
  };
  io::Task<void> serve_cluster(http::ServerExchange& exchange, Route route);
  std::variant<identity::PrincipalPtr, Refusal> admit(http::ServerExchange& exchange,
                                                      const std::string& cluster) const;
  io::Task<void> refuse(http::ServerExchange& exchange, Route route, Refusal refusal);

  const UserPort& port_;
  http::Handler* hub_;
};

}  // namespace roadstead::api
