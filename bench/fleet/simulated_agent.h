// SPDX-License-Identifier: Apache-2.0
// One Agent without a member: the Agent's own connector with its lanes, a report every ten seconds
// as its prober would send it, and an account of what became of its dials. Lives on its squad's
// shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/connector.h"
#include "io/sleep.h"
#include "io/task_group.h"

namespace roadstead::fleet {

// Of all Agents together.
struct Account {
  std::size_t connected = 0;  // now
  std::uint64_t lost = 0;     // lanes that had been good
  std::uint64_t refused = 0;  // dials that nobody listened to
  std::uint64_t handshakes_failed = 0;
  std::uint64_t other_failures = 0;
  std::string sample;       // of a failure that is not a refusal
  WallTime last_connected;  // when the latest of them came back
  WallTime first_connected;
};

class SimulatedAgent final : private agent::ConnectorEvents {
 public:
  SimulatedAgent(agent::LaneEnvironment& environment, agent::HubIdentityPtr identity,
                 Random& random, Account& account);
  ~SimulatedAgent() override;

  // Until stop().
  io::Task<void> run();
  void dial() { connector_.set_identity(identity_); }
  void stop();

 private:
  tunnel::Hello hello(const agent::Lane& lane) override;
  tunnel::ApiServerReport report() override;
  void on_connected() override;
  void on_disconnected(const Error& why) override;
  void on_hub_message(const codec::json::object&) override {}
  io::Task<void> report_now_and_then();

  agent::LaneEnvironment& environment_;
  agent::HubIdentityPtr identity_;
  Random& random_;
  Account& account_;
  agent::Connector connector_;
  io::StoppableSleep pause_;
  bool connected_ = false;
};

}  // namespace roadstead::fleet
