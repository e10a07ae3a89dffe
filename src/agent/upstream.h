// SPDX-License-Identifier: Apache-2.0
// The member's API server as the Agent reaches it. Lives on the Agent's shard.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"
#include "io/task.h"

namespace roadstead::agent {

class Upstream {
 public:
  virtual ~Upstream() = default;

  // Adds the Agent's own credential and sends the head. `long_running` requests (watch, follow) use
  // connections of their own, so that they cannot fill those of short ones.
  virtual io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                         bool long_running, Deadline deadline) = 0;
  // A fresh HTTP/1.1 connection: API servers upgrade no other.
  virtual io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                                 Deadline deadline) = 0;
  // The API server refused the Agent's own credential (401): read it again before the next use.
  virtual void credential_refused() = 0;
};

}  // namespace roadstead::agent
