// SPDX-License-Identifier: Apache-2.0
#include "api/hub_events.h"

namespace roadstead::api {

namespace json = codec::json;

HubEvents::HubEvents(io::Executor& home, const Clock& clock, controllers::ClusterMonitor& monitor,
                     const registry::ClusterDirectory& clusters, const Enrolment& enrolment,
                     telemetry::Logger logger)
    : home_(home),
      clock_(clock),
      monitor_(monitor),
      clusters_(clusters),
      enrolment_(enrolment),
      logger_(std::move(logger)) {}

registry::LaneFact HubEvents::fact_of(const stub::LaneSummary& lane) const {
  return {lane.number,         lane.agent.replica,
          lane.agent.software, lane.identity.remote_address,
          clock_.wall(),       lane.identity.certificate_not_after};
}

void HubEvents::on_lane_up(const stub::LaneSummary& lane) {
  home_.post_remote([this, lane, fact = fact_of(lane)] {
    monitor_.lane_up(lane.identity.cluster, fact, lane.agent);
  });
}

void HubEvents::on_lane_refused(const stub::LaneSummary& lane) {
  home_.post_remote([this, lane, fact = fact_of(lane)] {
    monitor_.lane_refused(lane.identity.cluster, fact, lane.agent);
  });
}

void HubEvents::on_lane_down(const stub::LaneSummary& lane) {
  home_.post_remote([this, cluster = lane.identity.cluster, number = lane.number] {
    monitor_.lane_down(cluster, number);
  });
}

void HubEvents::on_report(const stub::LaneSummary& lane, const tunnel::ApiServerReport& report) {
  home_.post_remote(
      [this, cluster = lane.identity.cluster, report] { monitor_.reported(cluster, report); });
}

void HubEvents::on_message(const stub::LaneSummary& lane, const json::object& message,
                           UniqueFunction<void(json::object)> reply) {
  if (tunnel::message_type(message) != "renew") {
    return;  // unknown messages are ignored
  }
  const json::value* csr = message.if_contains("csr");
  const std::string text(csr != nullptr && csr->is_string() ? std::string_view(csr->get_string())
                                                            : std::string_view());
  home_.post_remote([this, lane, text, reply = std::move(reply)] { reply(renew(lane, text)); });
}

json::object HubEvents::renew(const stub::LaneSummary& lane, const std::string& csr) const {
  const auto cluster = clusters_.find(lane.identity.cluster);
  auto issued = cluster.has_value() && cluster->uid == lane.identity.cluster_uid
                    ? enrolment_.issue(*cluster, csr, nullptr)
                    : Result<json::object>(ErrorKind::Gone, "the cluster was removed");
  if (!issued.ok()) {
    logger_.warn("renewal refused", {{"cluster", lane.identity.cluster},
                                     {"replica", lane.agent.replica},
                                     {"why", issued.error().message()}});
    return {{"type", "renew-failed"}, {"message", issued.error().message()}};
  }
  logger_.info("certificate renewed",
               {{"cluster", lane.identity.cluster}, {"replica", lane.agent.replica}});
  (*issued)["type"] = "certificate";
  return std::move(*issued);
}

}  // namespace roadstead::api
