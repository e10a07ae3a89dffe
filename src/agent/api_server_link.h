// SPDX-License-Identifier: Apache-2.0
// Connections to the member's API server that carry the Agent's own credential. Whoever holds a
// link can act as the Agent, so exactly two objects are given one: `UserUpstream`, which sends
// nothing without an impersonated user, and `OwnCalls`, whose calls are a closed list. Lives on the
// Agent's shard.
#pragma once

#include "agent/upstream.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "io/task.h"

namespace roadstead::agent {

class ApiServerLink {
 public:
  virtual ~ApiServerLink() = default;

  // See Upstream for the meaning of all three.
  virtual io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                         bool long_running, Deadline deadline) = 0;
  virtual io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                                 Deadline deadline) = 0;
  virtual void credential_refused() = 0;
};

// What the Forwarder sends through. PermissionDenied for a head that does not name exactly one
// user to impersonate: such a request would be done with the Agent's own rights.
class UserUpstream final : public Upstream {
 public:
  explicit UserUpstream(ApiServerLink& link) : link_(link) {}

  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                 bool long_running, Deadline deadline) override;
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                         Deadline deadline) override;
  void credential_refused() override { link_.credential_refused(); }

 private:
  ApiServerLink& link_;
};

}  // namespace roadstead::agent
