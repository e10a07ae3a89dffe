// SPDX-License-Identifier: Apache-2.0
// Serves one user's request for a member cluster: plan → lane → identity context → relay, with the
// retry rules. A write is never sent twice unless a peer said that it did not process it.
// Stateless but for references; lives on the tunnel's shard.
#pragma once

#include <string>
#include <string_view>

#include "audit/sink.h"
#include "base/clock.h"
#include "base/own_frame.h"
#include "base/random.h"
#include "http/message.h"
#include "identity/principal.h"
#include "kube/status.h"
#include "stub/tunnel.h"
#include "stub/watch_framer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace roadstead::stub {

struct ProxyMetrics {
  telemetry::Counter& requests;
  telemetry::Counter& retries;
  telemetry::Counter& failures;   // answered by the Stub itself
  telemetry::Counter& throttled;  // of these, because too much ran, waited or lasted
};

class Proxy {
 public:
  // `buffers`: what watches hold counts there; nullptr: nowhere.
  Proxy(const Clock& clock, Random& random, audit::AuditSink& audit, ProxyMetrics metrics,
        http::BufferBudget* buffers = nullptr)
      : clock_(clock), random_(random), audit_(audit), metrics_(metrics), buffers_(buffers) {}

  // `target` is the path and query inside the member cluster.
  io::Task<void> serve(http::ServerExchange& exchange, Tunnel& tunnel,
                       identity::PrincipalPtr principal, std::string target);

 private:
  // What a request needs until its answer passes; a watch gives it back before it waits.
  struct Planned;
  struct Body;
  struct Attempt;
  struct Request;
  // Passes: the answer's head is on its way, and the rest comes at the pace of both ends.
  enum class Verdict : unsigned char { Done, TryAnother, Passes };

  static bool plan(Request& request, std::string_view target);
  io::Task<void> serve_planned(Request& request);
  ROADSTEAD_OWN_FRAME io::Task<Verdict> begin(Request& request);
  io::Task<LanePtr> lane_for(Request& request);
  io::Task<Verdict> attempt(Request& request, LanePtr lane);
  io::Task<Verdict> exchange_with(Request& request);
  static io::Task<void> end_attempt(Request& request);
  ROADSTEAD_OWN_FRAME io::Task<Verdict> on_lost_lane(Request& request);
  io::Task<Verdict> begin_answer(Request& request, http::ResponseHead head);
  ROADSTEAD_OWN_FRAME io::Task<Verdict> begin_upgraded(Request& request, http::ResponseHead head);
  ROADSTEAD_OWN_FRAME io::Task<Verdict> on_agent_error(Request& request, const std::string& code);
  ROADSTEAD_OWN_FRAME io::Task<void> pass_upgraded(Request& request);
  io::Task<void> pass_body(Request& request);
  // Tells the user the last failure.
  ROADSTEAD_OWN_FRAME io::Task<void> fail(Request& request);

  const Clock& clock_;
  Random& random_;
  audit::AuditSink& audit_;
  ProxyMetrics metrics_;
  http::BufferBudget* buffers_;
};

}  // namespace roadstead::stub
