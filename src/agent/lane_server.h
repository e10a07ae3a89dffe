// SPDX-License-Identifier: Apache-2.0
// The Agent's end of one lane: serves the control stream, identity contexts and users' requests.
// One for each lane; lives on the Agent's shard; outlives the lane's H2Session::run().
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/forwarder.h"
#include "agent/identity_table.h"
#include "codec/json.h"
#include "crypto/certificate.h"
#include "http/message.h"
#include "io/event.h"
#include "telemetry/log.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {

// What was pinned at registration; replaced as a whole when the hub sends a new bundle that the
// pinned one vouches for. Shared by all lanes.
struct PinnedTrust {
  std::vector<crypto::Certificate> user_roots;
  std::string audience;  // uid of the Cluster object
};

// What the lane tells the hub and hears from it. Implemented by the Agent's supervisor.
class LaneEvents {
 public:
  virtual ~LaneEvents() = default;
  virtual tunnel::Hello hello() = 0;
  virtual tunnel::ApiServerReport report() = 0;
  virtual void on_hub_hello(const tunnel::Hello& hello) = 0;
  // A message the lane itself does not know ("open-lane", "certificate", "ca-bundle", "removed").
  virtual void on_message(const codec::json::object& message) = 0;
  virtual void on_ready() = 0;  // hello exchanged: the hub may send requests
};

class LaneServer final : public http::Handler {
 public:
  LaneServer(io::Executor& executor, const Clock& clock, Forwarder& forwarder,
             std::shared_ptr<const PinnedTrust> const& trust, LocalRules rules, LaneEvents& events,
             std::array<std::byte, 32> exporter, telemetry::Logger logger);

  io::Task<void> handle(http::ServerExchange& exchange) override;

  // Queues a control message; dropped when 256 are waiting (the hub then re-asks by its own
  // timers).
  bool send(codec::json::object message);
  // Ends expired contexts; called about once a second by the lane's owner.
  void tick() { identities_.expire(); }
  void close();

 private:
  io::Task<void> serve_control(http::ServerExchange& exchange);
  io::Task<void> talk(http::ServerExchange& exchange);
  io::Task<void> serve_identity(http::ServerExchange& exchange);
  io::Task<void> send_queued(http::ServerExchange& exchange);
  void receive(const codec::json::object& message);

  io::Executor& executor_;
  const Clock& clock_;
  Forwarder& forwarder_;
  const std::shared_ptr<const PinnedTrust>& trust_;
  LocalRules rules_;
  LaneEvents& events_;
  std::array<std::byte, 32> exporter_;
  telemetry::Logger logger_;
  IdentityTable identities_;
  std::deque<codec::json::object> outbox_;
  io::Event outbox_changed_;
  bool control_open_ = false;
  bool closed_ = false;
};

}  // namespace roadstead::agent
