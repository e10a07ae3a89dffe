// SPDX-License-Identifier: Apache-2.0
// Keeps the Agent's certificate: enrols with the token, renews at two thirds of its life, follows
// what the other replica or the owner writes to the store. Only the leader enrols and renews. Lives
// on the Agent's shard.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/credentials.h"
#include "agent/enrolment.h"
#include "agent/failure.h"
#include "agent/hub.h"
#include "agent/leadership.h"
#include "base/random.h"
#include "io/event.h"
#include "io/sleep.h"
#include "telemetry/log.h"

namespace roadstead::agent {

class KeeperEvents {
 public:
  virtual ~KeeperEvents() = default;
  virtual void on_identity(HubIdentityPtr identity) = 0;
  // The hub has removed the cluster: nothing is dialled until the store brings a fresh token.
  virtual void on_removed() = 0;
  // A step towards a certificate failed; shown until on_identity or on_keeper_well.
  virtual void on_keeper_failure(const Failure& failure) = 0;
  virtual void on_keeper_well() = 0;
  virtual bool send_to_hub(const codec::json::object& message) = 0;
  virtual AgentFacts facts() = 0;
};

class CredentialKeeper {
 public:
  CredentialKeeper(io::Executor& executor, CredentialStore& store, Leadership& leadership,
                   Enroller& enroller, KeeperEvents& events, Random& random,
                   std::optional<net::HostPort> hub, telemetry::Logger logger);
  ~CredentialKeeper();

  io::Task<void> run();  // until stop()
  void stop();

  // Control messages of the hub: "certificate", "renew-failed", "bundle", "removed". False when it
  // is none of these.
  bool on_hub_message(const codec::json::object& message);

  bool removed() const { return removed_; }
  std::optional<WallTime> certificate_expiry() const;
  const std::string& cluster() const { return credentials_.cluster; }

 private:
  using Wait = Duration;

  io::Task<void> watch_store();
  io::Task<Wait> step();
  io::Task<Wait> reload();
  io::Task<Wait> enrol();
  io::Task<Wait> renew(bool expired);
  io::Task<Wait> post_renewal();
  io::Task<Result<void>> save();
  io::Task<Wait> wait_for_save();
  void take(Credentials credentials);
  void publish();
  Wait adopt(const EnrolmentAnswer& answer, const crypto::PrivateKey& key, bool used_token);
  void take_answer(const codec::json::object& message);
  void take_bundle(const codec::json::object& message);
  Wait fail(const Failure& failure, Duration cap);
  Wait fail_at_hub(const Error& error);
  void become_removed(const std::string& words);
  WallTime renew_at() const;
  void poke();
  MonotonicTime now() const { return executor_.clock().now(); }

  io::Executor& executor_;
  CredentialStore& store_;
  Leadership& leadership_;
  Enroller& enroller_;
  KeeperEvents& events_;
  Random& random_;
  std::optional<net::HostPort> hub_;
  telemetry::Logger logger_;

  io::Event changed_;
  bool poked_ = false;
  bool stopping_ = false;
  bool reload_ = true;  // the store is to be read
  bool dirty_ = false;  // credentials_ are to be saved
  Credentials credentials_;
  HubIdentityPtr identity_;
  std::optional<WallTime> obtained_;  // when this process got the certificate
  bool removed_ = false;
  unsigned failures_ = 0;
  std::optional<crypto::PrivateKey> asked_key_;  // of the "renew" message that is out
  MonotonicTime asked_at_{};
};

}  // namespace roadstead::agent
