// SPDX-License-Identifier: Apache-2.0
// Hands what Stubs see, on their shards, to the controllers on the hub's home, and answers Agents'
// requests for a new certificate.
#pragma once

#include "api/enrolment.h"
#include "controllers/cluster_status/monitor.h"
#include "stub/stub_shard.h"

namespace roadstead::api {

class HubEvents final : public stub::StubEvents {
 public:
  HubEvents(io::Executor& home, const Clock& clock, controllers::ClusterMonitor& monitor,
            const registry::ClusterDirectory& clusters, const Enrolment& enrolment,
            telemetry::Logger logger);

  void on_lane_up(const stub::LaneSummary& lane) override;
  void on_lane_down(const stub::LaneSummary& lane) override;
  void on_lane_refused(const stub::LaneSummary& lane) override;
  void on_report(const stub::LaneSummary& lane, const tunnel::ApiServerReport& report) override;
  void on_message(const stub::LaneSummary& lane, const codec::json::object& message,
                  UniqueFunction<void(codec::json::object)> reply) override;

 private:
  registry::LaneFact fact_of(const stub::LaneSummary& lane) const;
  codec::json::object renew(const stub::LaneSummary& lane, const std::string& csr) const;

  io::Executor& home_;
  const Clock& clock_;
  controllers::ClusterMonitor& monitor_;
  const registry::ClusterDirectory& clusters_;
  const Enrolment& enrolment_;
  telemetry::Logger logger_;
};

}  // namespace roadstead::api
