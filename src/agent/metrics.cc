// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics.h"

namespace roadstead::agent {
namespace {

telemetry::Counter& requests(telemetry::MetricRegistry& registry, const char* outcome) {
  return registry.counter("roadstead_agent_requests_total",
                          "Users' requests by what became of them.", {{"outcome", outcome}});
}

}  // namespace

AgentMetrics::AgentMetrics(telemetry::MetricRegistry& registry)
    : answered(requests(registry, "answered")),
      refused(requests(registry, "refused")),
      unreachable(requests(registry, "apiserver_unreachable")),
      failed(requests(registry, "apiserver_failed")),
      broken_off(requests(registry, "broken_off")),
      lanes(registry.gauge("roadstead_agent_lanes", "Connections to the hub, in any state.")),
      lanes_ready(registry.gauge("roadstead_agent_lanes_ready",
                                 "Connections to the hub that take requests.")),
      streams(registry.gauge("roadstead_agent_streams", "Users' requests that run now.")),
      dials(registry.gauge("roadstead_agent_dials", "Connections to the hub tried since start.")),
      dial_failures(registry.gauge("roadstead_agent_dial_failures",
                                   "Those of them that never became ready.")),
      hub_connected(registry.gauge("roadstead_agent_hub_connected",
                                   "1 while a connection to the hub takes requests.")),
      api_server_reachable(registry.gauge("roadstead_agent_apiserver_reachable",
                                          "1 while real round trips to the API server succeed.")),
      certificate_expiry(registry.gauge(
          "roadstead_agent_certificate_expiry_seconds",
          "When the Agent's certificate expires, in seconds since 1970; 0 without one.")) {}

}  // namespace roadstead::agent
