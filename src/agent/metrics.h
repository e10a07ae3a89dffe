// SPDX-License-Identifier: Apache-2.0
// The Agent's metrics, made once at start. See telemetry/metrics.h.
#pragma once

#include "telemetry/metrics.h"

namespace roadstead::agent {

struct AgentMetrics {
  explicit AgentMetrics(telemetry::MetricRegistry& registry);

  // Requests of users by outcome.
  telemetry::Counter& answered;
  telemetry::Counter& refused;      // unknown identity, or a head that must not pass
  telemetry::Counter& unreachable;  // the API server was not reached
  telemetry::Counter& failed;       // it broke off, answered 401, or redirected
  telemetry::Counter& broken_off;   // after the answer had begun
  telemetry::Gauge& lanes;
  telemetry::Gauge& lanes_ready;
  telemetry::Gauge& streams;
  telemetry::Gauge& dials;
  telemetry::Gauge& dial_failures;
  telemetry::Gauge& hub_connected;
  telemetry::Gauge& api_server_reachable;
  telemetry::Gauge& certificate_expiry;  // seconds since 1970; 0 without a certificate
};

}  // namespace roadstead::agent
