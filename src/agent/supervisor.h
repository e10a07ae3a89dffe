// SPDX-License-Identifier: Apache-2.0
// The whole Agent without its edges: prober, lease, credentials and lanes, and what they tell each
// other. Built by the program (or a test) on its shard.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/api_server_link.h"
#include "agent/connector.h"
#include "agent/group_rights.h"
#include "agent/keeper.h"
#include "agent/metrics.h"
#include "agent/own_calls.h"
#include "agent/prober.h"
#include "io/task_group.h"
#include "net/proxy_connect.h"

namespace roadstead::agent {

struct SupervisorOptions {
  AgentFacts facts;  // replica, software, CA fingerprint
  OwnNames names;
  std::string api_server_origin;
  net::ProxySettings proxy;
  std::optional<net::HostPort> hub;
  LocalRules rules;
};

// What runs outside and is handed in. All outlive the Supervisor.
struct SupervisorParts {
  io::Executor& executor;
  Random& random;
  ApiServerLink& api_server;
  OwnCalls& calls;
  CredentialStore& store;
  Leadership& leadership;
  HubDialer& dialer;
  AgentMetrics& metrics;
  http::BufferBudget& buffers;  // of lanes and API server together
  // Gets the last failure in words, "" when there is none.
  std::function<void(const std::string&)> tell_failure;
};

class Supervisor final : private ConnectorEvents, private KeeperEvents {
 public:
  Supervisor(SupervisorParts parts, SupervisorOptions options, telemetry::Logger logger);
  ~Supervisor() override;

  // Until shut down.
  io::Task<void> run();
  // Orderly: not ready, lanes drained, watches ended, the rest may take `grace`.
  void shut_down(Duration grace);

  // For the health server.
  bool shutting_down() const { return shutting_down_; }
  const Prober& prober() const { return prober_; }
  const Connector& connector() const { return connector_; }
  const CredentialKeeper& keeper() const { return keeper_; }
  std::optional<Failure> failure() const;
  void update_metrics();

 private:
  // ConnectorEvents
  tunnel::Hello hello(const Lane& lane) override;
  tunnel::ApiServerReport report() override { return prober_.report(); }
  void on_connected() override;
  void on_disconnected(const Error& why) override;
  void on_hub_message(const codec::json::object& message) override;
  // KeeperEvents
  void on_identity(HubIdentityPtr identity) override;
  void on_removed() override;
  void on_keeper_failure(const Failure& failure) override;
  void on_keeper_well() override;
  bool send_to_hub(const codec::json::object& message) override;
  AgentFacts facts() override;

  void take_refusal(const codec::json::object& message);
  io::Task<void> run_connector();
  void tell();

  SupervisorParts parts_;
  SupervisorOptions options_;
  telemetry::Logger logger_;
  UserUpstream upstream_;
  Forwarder forwarder_;
  LaneEnvironment environment_;
  Prober prober_;
  GroupRights group_rights_;
  Enroller enroller_;
  CredentialKeeper keeper_;
  Connector connector_;
  HubIdentityPtr identity_;
  std::optional<Failure> keeper_failure_;
  std::optional<Failure> hub_failure_;
  std::optional<Failure> refusal_;  // what the hub said when it would not have our lane
  MonotonicTime refused_at_{};
  bool shutting_down_ = false;
};

}  // namespace roadstead::agent
