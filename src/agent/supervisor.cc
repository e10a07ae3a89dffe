// SPDX-License-Identifier: Apache-2.0
#include "agent/supervisor.h"

namespace roadstead::agent {
namespace {

// Longer than the pause before the next attempt.
constexpr Duration kRefusalCounts = std::chrono::seconds(45);

}  // namespace

Supervisor::Supervisor(SupervisorParts parts, SupervisorOptions options, telemetry::Logger logger)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      logger_(std::move(logger)),
      upstream_(parts_.api_server),
      forwarder_(upstream_, parts_.executor.clock(), parts_.metrics, logger_),
      environment_{parts_.executor, parts_.dialer,  forwarder_,
                   parts_.buffers,  options_.rules, logger_},
      prober_(parts_.calls, parts_.executor, options_.api_server_origin, logger_),
      group_rights_(parts_.calls, parts_.executor.clock()),
      enroller_(parts_.dialer, parts_.executor, options_.hub),
      keeper_(parts_.executor, parts_.store, parts_.leadership, enroller_, *this, parts_.random,
              options_.hub, logger_),
      connector_(environment_, *this, parts_.random) {
  environment_.rules.group_rights = &group_rights_;
  prober_.on_report([this] { connector_.broadcast_report(); });
}

Supervisor::~Supervisor() = default;

io::Task<void> Supervisor::run() {
  io::TaskGroup tasks(parts_.executor);
  tasks.spawn(prober_.run());
  tasks.spawn(parts_.leadership.run());
  tasks.spawn(keeper_.run());
  tasks.spawn(run_connector());
  co_await tasks.join();
}

io::Task<void> Supervisor::run_connector() {
  co_await connector_.run();
  // Only a shut-down ends it; the rest goes when the lanes have gone.
  keeper_.stop();
  prober_.stop();
  parts_.leadership.stop();
}

void Supervisor::shut_down(Duration grace) {
  if (shutting_down_) {
    connector_.stop();
    return;
  }
  shutting_down_ = true;
  logger_.info("shutting down");
  connector_.drain(grace);
  forwarder_.end_watches();
}

tunnel::Hello Supervisor::hello(const Lane& lane) {
  const AgentFacts known = facts();
  tunnel::Hello hello;
  hello.software = known.software;
  hello.replica = known.replica;
  hello.lane_purpose = lane.purpose();
  hello.api_server_ca_fingerprint = known.api_server_ca_fingerprint;
  hello.kubernetes_version = known.kubernetes_version;
  hello.cluster_uid = known.cluster_uid;
  hello.platform = known.platform;
  hello.cluster = lane.identity()->cluster;
  hello.capabilities = {"retire"};
  hello.wall_milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                                parts_.executor.clock().wall().time_since_epoch())
                                .count();
  return hello;
}

AgentFacts Supervisor::facts() {
  AgentFacts facts = options_.facts;
  const tunnel::ApiServerReport report = prober_.report();
  facts.kubernetes_version = report.version;
  facts.cluster_uid = report.cluster_uid;
  facts.platform = prober_.platform();
  return facts;
}

void Supervisor::on_connected() {
  hub_failure_.reset();
  tell();
}

void Supervisor::on_disconnected(const Error& why) {
  const std::string hub = identity_ != nullptr ? net::format_host_port(identity_->hub) : "";
  const Failure failure = explain_hub_failure(why, hub);
  if (!hub_failure_.has_value() || hub_failure_->reason != failure.reason) {
    logger_.warn("hub not connected", {{"reason", failure.reason}, {"error", failure.message}});
  }
  hub_failure_ = failure;
  tell();
}

void Supervisor::on_hub_message(const codec::json::object& message) {
  if (tunnel::message_type(message) == "refused") {
    take_refusal(message);
  } else {
    keeper_.on_hub_message(message);  // what nobody knows is ignored
  }
}

void Supervisor::take_refusal(const codec::json::object& message) {
  const std::string words(codec::string_at(codec::json::value(message), {"message"}));
  refusal_ = explain_enrolment_failure(Error(ErrorKind::Conflict, words), keeper_.cluster());
  refused_at_ = parts_.executor.clock().now();
  logger_.warn("the hub refuses this Agent", {{"reason", refusal_->reason}, {"message", words}});
  tell();
}

void Supervisor::on_identity(HubIdentityPtr identity) {
  identity_ = identity;
  refusal_.reset();
  keeper_failure_.reset();
  hub_failure_.reset();
  tell();
  connector_.set_identity(std::move(identity));
}

void Supervisor::on_removed() {
  identity_ = nullptr;
  connector_.set_identity(nullptr);
}

void Supervisor::on_keeper_failure(const Failure& failure) {
  keeper_failure_ = failure;
  tell();
}

void Supervisor::on_keeper_well() {
  keeper_failure_.reset();
  tell();
}

bool Supervisor::send_to_hub(const codec::json::object& message) {
  return connector_.send(message);
}

std::optional<Failure> Supervisor::failure() const {
  // Each attempt connects for a moment before it is refused.
  if (refusal_.has_value() && parts_.executor.clock().now() - refused_at_ < kRefusalCounts) {
    return refusal_;
  }
  return keeper_failure_.has_value() ? keeper_failure_ : hub_failure_;
}

void Supervisor::tell() {
  if (parts_.tell_failure) {
    const auto last = failure();
    parts_.tell_failure(last.has_value() ? last->to_text() : std::string());
  }
}

void Supervisor::update_metrics() {
  AgentMetrics& m = parts_.metrics;
  const ConnectorStats stats = connector_.stats();
  m.lanes.set(static_cast<std::int64_t>(stats.lanes));
  m.lanes_ready.set(static_cast<std::int64_t>(stats.ready));
  m.streams.set(static_cast<std::int64_t>(stats.streams));
  m.dials.set(static_cast<std::int64_t>(stats.dials));
  m.dial_failures.set(static_cast<std::int64_t>(stats.dial_failures));
  m.hub_connected.set(connector_.connected() ? 1 : 0);
  m.api_server_reachable.set(prober_.reachable_lately() ? 1 : 0);
  const auto expiry = keeper_.certificate_expiry();
  m.certificate_expiry.set(
      expiry.has_value()
          ? std::chrono::duration_cast<std::chrono::seconds>(expiry->time_since_epoch()).count()
          : 0);
}

}  // namespace roadstead::agent
