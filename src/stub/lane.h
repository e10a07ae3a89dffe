// SPDX-License-Identifier: Apache-2.0
// The hub's end of one lane: an HTTP/2 client on a connection that an Agent dialled. Keeps the
// control stream and the identity contexts of the lane. Owned by its Tunnel; lives on its shard.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "codec/json.h"
#include "http/h2_session.h"
#include "identity/directory.h"
#include "identity/principal.h"
#include "io/event.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "telemetry/log.h"
#include "tunnel/identity_context.h"
#include "tunnel/protocol.h"

namespace roadstead::stub {

struct LaneIdentity {
  std::string cluster;      // name of the Cluster object
  std::string cluster_uid;  // its uid: the audience of identity contexts
  std::string remote_address;
  std::string certificate_serial;
  WallTime certificate_not_after{};
  bool removed = false;  // the cluster is no longer registered: the Agent is told so and no more
  std::string api_server_ca = {};  // which the hello must name; "" when none is registered yet
};

class Lane;

// Hears of a lane's life, on the lane's shard.
class LaneObserver {
 public:
  virtual ~LaneObserver() = default;
  virtual void on_lane_ready(Lane& lane) = 0;
  virtual void on_lane_message(Lane& lane, const codec::json::object& message) = 0;
};

class Lane {
 public:
  Lane(io::Executor& executor, LaneIdentity identity, std::unique_ptr<http::H2Session> session,
       const identity::Directory& directory, LaneObserver& observer, tunnel::Hello own_hello,
       telemetry::Logger logger);
  ~Lane();

  // Until the connection has ended and all its exchanges have failed.
  io::Task<void> run();

  // Hello done, not draining, connection alive.
  bool usable() const;
  std::size_t queued_bytes() const { return session_->queued_bytes(); }
  std::size_t open_streams() const { return session_->open_streams(); }

  // The rs-identity value for the principal, opening a context on first use. Fails with
  // PermissionDenied or Unauthenticated in the Agent's words, or Network when the lane broke.
  io::Task<Result<std::string>> identity_field(identity::PrincipalPtr principal);
  // The Agent did not know the context: the next use opens a new one.
  void forget(const identity::Principal& principal);

  // Counts a running stream of the principal, so that its context is renewed while it runs.
  class Use {
   public:
    Use(Lane& lane, std::string fingerprint);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    std::weak_ptr<int> alive_;
    Lane* lane_;
    std::string fingerprint_;
  };

  Result<http::ClientExchangePtr> open(http::SharedRequestHead head, bool end) {
    return session_->open(std::move(head), end);
  }
  bool allows_upgrades() const { return session_->peer_allows_connect_protocol(); }

  bool send(codec::json::object message);  // dropped when 256 are waiting
  // Ends the contexts of principals that are no longer valid, at both ends.
  void recheck_principals();
  // No new requests; ends when the running ones have, the control stream not counted.
  void drain();
  void close() { session_->close(); }
  // Tells the Agent why it is not served ("removed", "refused"); nothing else of it counts from now
  // on. It stops by itself, or the lane is closed.
  void dismiss(codec::json::object why);
  bool dismissed() const { return dismissed_; }
  // Its Agent has said hello and may be asked for requests, now or before it began to drain.
  bool serves() const { return hello_received_ && !dismissed_; }

  const LaneIdentity& identity() const { return identity_; }
  const tunnel::Hello& agent() const { return agent_; }
  std::uint64_t number() const { return number_; }
  http::H2Session& session() { return *session_; }

 private:
  struct Context {
    std::uint64_t id = 0;
    identity::PrincipalPtr principal;
    std::string field;
    MonotonicTime proved{};
    MonotonicTime used{};
    std::size_t streams = 0;
    bool ready = false;
    bool proving = false;
    std::optional<Error> failure;
    std::unique_ptr<io::Event> changed;
  };
  using ContextPtr = std::shared_ptr<Context>;

  io::Task<void> run_session(Result<void>* result);
  io::Task<void> run_control();
  io::Task<void> send_queued(http::ClientExchange& control);
  io::Task<void> renew_loop();
  io::Task<void> end_when_idle();
  io::Task<void> close_soon();
  io::Task<void> prove(ContextPtr context);
  io::Task<Result<void>> post_identity(const tunnel::IdentityContext& context);
  void end_context(Context& context);
  void receive(const codec::json::object& message);

  io::Executor& executor_;
  LaneIdentity identity_;
  std::unique_ptr<http::H2Session> session_;
  const identity::Directory& directory_;
  LaneObserver& observer_;
  tunnel::Hello own_hello_;
  tunnel::Hello agent_;
  telemetry::Logger logger_;
  std::uint64_t number_;
  std::array<std::byte, 32> exporter_{};
  io::TaskGroup tasks_;
  io::StoppableSleep renew_sleep_;
  std::map<std::string, ContextPtr> contexts_;  // by fingerprint of the user's certificate
  std::uint64_t next_context_ = 1;
  std::deque<codec::json::object> outbox_;
  io::Event outbox_changed_;
  bool hello_received_ = false;
  bool ended_ = false;
  bool retiring_ = false;
  bool dismissed_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace roadstead::stub
