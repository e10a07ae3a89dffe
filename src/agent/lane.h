// SPDX-License-Identifier: Apache-2.0
// One lane from its dial to its end. Owned by the Connector; lives on the Agent's shard.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/hub.h"
#include "agent/lane_server.h"
#include "http/h2_session.h"
#include "http/h2_window.h"
#include "io/executor.h"
#include "telemetry/log.h"

namespace roadstead::agent {

class Lane;

// Hears of a lane's life. The Connector.
class LaneObserver {
 public:
  virtual ~LaneObserver() = default;
  virtual tunnel::Hello hello(const Lane& lane) = 0;
  virtual tunnel::ApiServerReport report() = 0;
  virtual void on_lane_ready(Lane& lane) = 0;
  virtual void on_lane_message(Lane& lane, const codec::json::object& message) = 0;
};

// What all lanes share. Outlives them.
struct LaneEnvironment {
  io::Executor& executor;
  HubDialer& dialer;
  Forwarder& forwarder;
  http::BufferBudget& buffers;
  LocalRules rules;
  telemetry::Logger logger;
};

class Lane final : private LaneEvents {
 public:
  // Dialing: no connection yet. Ready: the hub may send requests. Retiring: replaced; the hub sends
  // no new requests, what runs goes on. Draining: GOAWAY was sent.
  enum class State : unsigned char { Dialing, Greeting, Ready, Retiring, Draining, Ended };

  Lane(LaneEnvironment& environment, LaneObserver& observer, HubIdentityPtr identity,
       std::shared_ptr<const PinnedTrust> const& trust, std::string purpose, std::uint64_t number);
  ~Lane() override;

  // Until the connection has ended. The error says why it never became ready, or how it was lost.
  io::Task<Result<void>> run();

  void tick();  // about once a second
  bool send(codec::json::object message);
  void retire();  // once its replacement is ready
  void drain();   // at the end of the process
  void close();   // at once

  State state() const { return state_; }
  bool takes_requests() const;  // ready, and neither side is leaving
  bool leaving() const { return leaving_; }
  void mark_leaving() { leaving_ = true; }  // the hub asked for a replacement
  const HubIdentityPtr& identity() const { return identity_; }
  const std::string& purpose() const { return purpose_; }
  std::uint64_t number() const { return number_; }
  std::size_t user_streams() const;
  MonotonicTime ready_since() const { return ready_since_; }
  std::string peer_address() const;

 private:
  tunnel::Hello hello() override { return observer_.hello(*this); }
  tunnel::ApiServerReport report() override { return observer_.report(); }
  void on_hub_hello(const tunnel::Hello& hello) override;
  void on_message(const codec::json::object& message) override {
    observer_.on_lane_message(*this, message);
  }
  void on_ready() override;
  bool idle_for_long(MonotonicTime now);

  LaneEnvironment& env_;
  LaneObserver& observer_;
  HubIdentityPtr identity_;
  const std::shared_ptr<const PinnedTrust>& trust_;
  std::string purpose_;
  std::uint64_t number_;
  telemetry::Logger logger_;
  State state_ = State::Dialing;
  bool leaving_ = false;
  bool closed_ = false;
  std::unique_ptr<LaneServer> server_;
  std::unique_ptr<http::H2Session> session_;
  MonotonicTime connected_at_{};
  MonotonicTime ready_since_{};
  std::optional<MonotonicTime> idle_since_;
};

}  // namespace roadstead::agent
