// SPDX-License-Identifier: Apache-2.0
#include "stub/stub_shard.h"

#include "tunnel/protocol.h"

namespace roadstead::stub {

namespace json = codec::json;

namespace {}  // namespace

StubShard::StubShard(io::Executor& executor, StubOptions options,
                     const identity::Directory& directory, Proxy& proxy, StubEvents& events,
                     telemetry::Logger logger)
    : executor_(executor),
      options_(std::move(options)),
      started_(executor.clock().now()),
      directory_(directory),
      proxy_(proxy),
      events_(events),
      logger_(std::move(logger)) {}

StubShard::~StubShard() = default;

// A cluster's tunnel for as long as a lane or a request needs it.
class StubShard::HeldTunnel {
 public:
  HeldTunnel(StubShard& shard, const std::string& cluster) : shard_(shard) {
    auto& slot = shard.tunnels_[cluster];
    if (slot == nullptr) {
      slot = std::make_unique<Tunnel>(cluster, shard.options_.fair,
                                      shard.options_.expect_after_loss, shard.executor_);
      slot->expect_lane(shard.started_ + shard.options_.expect_after_start);
    }
    tunnel_ = slot.get();
    tunnel_->hold();
  }
  ~HeldTunnel() {
    if (tunnel_->let_go() && !tunnel_->expects_lane()) {
      shard_.tunnels_.erase(shard_.tunnels_.find(tunnel_->cluster()));
    }
  }
  HeldTunnel(const HeldTunnel&) = delete;
  HeldTunnel& operator=(const HeldTunnel&) = delete;
  Tunnel& operator*() const { return *tunnel_; }

 private:
  StubShard& shard_;
  Tunnel* tunnel_;
};

LaneSummary StubShard::summary_of(const Lane& lane) {
  return {lane.number(), lane.identity(), lane.agent()};
}

io::Task<void> StubShard::serve_lane(net::StreamPtr stream, LaneIdentity identity) {
  const HeldTunnel held(*this, identity.cluster);
  Tunnel& tunnel = *held;
  if (closing_ || tunnel.lanes().size() >= options_.max_lanes_per_cluster) {
    logger_.warn("lane refused", {{"cluster", identity.cluster}, {"why", "too many lanes"}});
    stream->close();
    co_return;
  }
  stream->limit_unacknowledged(tunnel::kUnacknowledgedLimit);
  stream->limit_unsent(tunnel::kUnsentBounds);
  tunnel::Hello hello;
  hello.cluster = identity.cluster;
  hello.hub_instance = options_.hub_instance;
  hello.software = options_.software;
  hello.wall_milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                                executor_.clock().wall().time_since_epoch())
                                .count();
  auto session = http::H2Session::create(std::move(stream), http::H2Session::Role::Client,
                                         options_.lane_http, nullptr);
  const auto logger =
      logger_.with({{"cluster", identity.cluster}, {"remote", identity.remote_address}});
  const auto lane =
      std::make_shared<Lane>(executor_, std::move(identity), std::move(session), directory_,
                             static_cast<LaneObserver&>(*this), std::move(hello), logger);
  if (lane->identity().removed) {
    co_await lane->run();
    co_return;
  }
  tunnel.add(lane);
  co_await lane->run();
  tunnel.remove(*lane);
  events_.on_lane_down(summary_of(*lane));
}

void StubShard::on_lane_ready(Lane& lane) {
  if (lane.identity().removed) {
    lane.dismiss({{"type", "removed"}});
    return;
  }
  const std::string& registered = lane.identity().api_server_ca;
  if (!registered.empty() && lane.agent().api_server_ca_fingerprint != registered) {
    refuse(lane);
    return;
  }
  logger_.info("lane connected", {{"cluster", lane.identity().cluster},
                                  {"replica", lane.agent().replica},
                                  {"remote", lane.identity().remote_address},
                                  {"software", lane.agent().software}});
  if (!announced_.empty()) {
    lane.send(announced_);
  }
  if (const auto it = tunnels_.find(lane.identity().cluster); it != tunnels_.end()) {
    it->second->wake();
  }
  events_.on_lane_up(summary_of(lane));
}

void StubShard::refuse(Lane& lane) {
  logger_.warn("lane refused", {{"cluster", lane.identity().cluster},
                                {"replica", lane.agent().replica},
                                {"remote", lane.identity().remote_address},
                                {"why", "it speaks for another API server"}});
  lane.dismiss({{"type", "refused"},
                {"reason", "OtherAPIServer"},
                {"message", "cluster \"" + lane.identity().cluster +
                                "\" was registered with another API server (its CA differs)"}});
  events_.on_lane_refused(summary_of(lane));
}

void StubShard::on_lane_message(Lane& lane, const json::object& message) {
  if (lane.dismissed()) {
    return;
  }
  if (tunnel::message_type(message) == "apiserver") {
    const auto report = tunnel::ApiServerReport::from_json(message);
    if (report.ok()) {
      events_.on_report(summary_of(lane), *report);
    }
    return;
  }
  auto reply = [this, cluster = lane.identity().cluster,
                number = lane.number()](json::object answer) {
    executor_.post_remote(
        [this, cluster, number, answer = std::move(answer)] { send(cluster, number, answer); });
  };
  events_.on_message(summary_of(lane), message, std::move(reply));
}

void StubShard::send(const std::string& cluster, std::uint64_t lane_number, json::object message) {
  if (const LanePtr lane = find_lane(cluster, lane_number); lane != nullptr) {
    lane->send(std::move(message));
  }
}

LanePtr StubShard::find_lane(const std::string& cluster, std::uint64_t number) const {
  const auto it = tunnels_.find(cluster);
  if (it == tunnels_.end()) {
    return nullptr;
  }
  for (const LanePtr& lane : it->second->lanes()) {
    if (lane->number() == number) {
      return lane;
    }
  }
  return nullptr;
}

void StubShard::refuse_lane(const std::string& cluster, std::uint64_t lane_number) {
  const LanePtr lane = find_lane(cluster, lane_number);
  if (lane != nullptr && !lane->dismissed()) {
    refuse(*lane);
  }
}

void StubShard::announce(json::object message) {
  announced_ = std::move(message);
  for (const auto& [name, tunnel] : tunnels_) {
    for (const LanePtr& lane : tunnel->lanes()) {
      if (lane->usable()) {
        lane->send(announced_);
      }
    }
  }
}

io::Task<void> StubShard::serve_request(http::ServerExchange& exchange, std::string cluster,
                                        identity::PrincipalPtr principal, std::string target) {
  const HeldTunnel held(*this, cluster);
  co_await proxy_.serve(exchange, *held, std::move(principal), std::move(target));
}

void StubShard::recheck_principals() {
  for (const auto& [name, tunnel] : tunnels_) {
    tunnel->recheck_principals(directory_);
  }
}

void StubShard::remove_cluster(const std::string& name) {
  const auto it = tunnels_.find(name);
  if (it == tunnels_.end()) {
    return;
  }
  for (const LanePtr& lane : it->second->lanes()) {
    lane->dismiss({{"type", "removed"}});
  }
  it->second->expect_none();
  if (!it->second->held()) {
    tunnels_.erase(it);
  }
}

void StubShard::end_watches() {
  for (const auto& [name, tunnel] : tunnels_) {
    tunnel->end_watches();
  }
}

void StubShard::drain() {
  for (const auto& [name, tunnel] : tunnels_) {
    for (const LanePtr& lane : tunnel->lanes()) {
      lane->send({{"type", "drain"}});
      lane->drain();
    }
    tunnel->expect_none();
  }
}

void StubShard::close() {
  closing_ = true;
  for (const auto& [name, tunnel] : tunnels_) {
    tunnel->close_lanes();
    tunnel->expect_none();
  }
}

}  // namespace roadstead::stub
