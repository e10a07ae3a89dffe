// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/shard_place.h"

namespace roadstead::hub {
namespace {

stub::StubOptions stub_options(const ShardPlace::Parts& parts) {
  stub::StubOptions options;
  options.lane_http.ping_after = std::chrono::seconds(5);
  options.lane_http.ping_timeout = std::chrono::seconds(5);
  options.lane_http.buffer_budget = &parts.buffers;
  // A cluster that is gone shall be told within two seconds.
  options.expect_after_start = std::chrono::seconds(10);
  options.expect_after_loss = std::chrono::seconds(1);
  options.hub_instance = parts.hub_instance;
  options.software = std::string("roadstead-hub ") + ROADSTEAD_VERSION;
  return options;
}

stub::ProxyMetrics proxy_metrics(telemetry::MetricRegistry& registry) {
  return {registry.counter("roadstead_stub_requests_total", "Requests into member clusters."),
          registry.counter("roadstead_stub_retries_total", "Attempts on a second lane."),
          registry.counter("roadstead_stub_failures_total", "Requests the Stub answered itself."),
          registry.counter("roadstead_stub_throttled_total",
                           "Requests answered 429: too many of a person or a cluster.")};
}

}  // namespace

ShardPlace::ShardPlace(io::Shard* home, const Parts& parts, http::Handler* hub)
    : thread_(home == nullptr ? std::make_unique<io::ShardThread>(parts.clock) : nullptr),
      shard_(home == nullptr ? &thread_->shard() : home),
      proxy_(std::make_unique<stub::Proxy>(parts.clock, parts.random, parts.audit,
                                           proxy_metrics(parts.metrics), &parts.buffers)),
      stubs_(std::make_unique<stub::StubShard>(*shard_, stub_options(parts), parts.directory,
                                               *proxy_, parts.events, parts.logger)),
      users_(std::make_unique<api::UserHandler>(parts.port, hub)),
      edge_(std::make_unique<api::ShardEdge>(*shard_, parts.edge_options, parts.contexts,
                                             parts.clusters, *stubs_, *users_, parts.enrolment,
                                             parts.logger)) {}

void ShardPlace::recheck_principals() {
  shard_->post_remote([this] { stubs_->recheck_principals(); });
}

void ShardPlace::remove_cluster(const std::string& name) {
  shard_->post_remote([this, name] { stubs_->remove_cluster(name); });
}

void ShardPlace::refuse_lane(const std::string& cluster, std::uint64_t lane) {
  shard_->post_remote([this, cluster, lane] { stubs_->refuse_lane(cluster, lane); });
}

void ShardPlace::announce(codec::json::object message) {
  shard_->post_remote([this, m = std::move(message)]() mutable { stubs_->announce(std::move(m)); });
}

void ShardPlace::drain_users() {
  shard_->post_remote([this] { edge_->drain_users(); });
}

void ShardPlace::drain_lanes() {
  shard_->post_remote([this] { edge_->drain_lanes(); });
}

io::Task<void> ShardPlace::close(io::Executor& home) {
  co_await shard_->enter();
  co_await edge_->close();
  co_await home.enter();
}

}  // namespace roadstead::hub
