// SPDX-License-Identifier: Apache-2.0
// Serves one user's request on a lane: identity → local rules → rebuilt headers → API server, and
// the answer back. Identity headers are built last and always; a request without an identity is
// never sent. Lives on the Agent's shard.
#pragma once

#include <cstdint>
#include <list>

#include "agent/identity_table.h"
#include "agent/metrics.h"
#include "agent/upstream.h"
#include "base/own_frame.h"
#include "http/message.h"
#include "telemetry/log.h"

namespace roadstead::agent {

// Extra key under which the member's audit log shows the hub's request id.
inline constexpr std::string_view kRequestIdExtra = "roadstead.io/request-id";

// The head that goes to the API server. Pure. InvalidArgument when the request tries to carry an
// identity of its own or an identity holds characters that are no header value.
Result<http::RequestHead> build_upstream_head(http::RequestHead from_lane,
                                              const IdentityTable::Identity& identity);

class Forwarder {
 public:
  Forwarder(Upstream& upstream, const Clock& clock, AgentMetrics& metrics, telemetry::Logger logger)
      : upstream_(upstream), clock_(clock), metrics_(metrics), logger_(std::move(logger)) {}

  // Until the exchange has ended in both directions.
  io::Task<void> serve(http::ServerExchange& exchange, IdentityTable& identities);

  // Ends all watches, which their clients take up again elsewhere without an error: the Stub keeps
  // to object boundaries.
  void end_watches();

 private:
  struct Attempt;
  using Watches = std::list<UniqueFunction<void()>>;
  class WatchGuard;
  // False when it has answered itself.
  ROADSTEAD_OWN_FRAME io::Task<bool> begin(http::ServerExchange& exchange,
                                           IdentityTable& identities, Attempt& attempt);
  io::Task<bool> open(http::ServerExchange& exchange, http::RequestHead head,
                      const std::string& upgrade, Attempt& attempt);
  io::Task<bool> begin_answer(http::ServerExchange& exchange, const std::string& upgrade,
                              Attempt& attempt);
  ROADSTEAD_OWN_FRAME io::Task<void> end(http::ServerExchange& exchange, Attempt& attempt,
                                         bool complete);
  ROADSTEAD_OWN_FRAME io::Task<void> answer_not_opened(http::ServerExchange& exchange,
                                                       const Error& error);

  Upstream& upstream_;
  const Clock& clock_;
  AgentMetrics& metrics_;
  telemetry::Logger logger_;
  Watches watches_;
};

// Answers with rs-error and a message for the Stub, which words the user's Status.
ROADSTEAD_OWN_FRAME io::Task<void> answer_error(http::ServerExchange& exchange,
                                                std::string_view code, std::string_view message);

}  // namespace roadstead::agent
