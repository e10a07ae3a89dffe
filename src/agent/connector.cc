// SPDX-License-Identifier: Apache-2.0
#include "agent/connector.h"

#include <algorithm>

#include "net/connect_fault.h"

namespace roadstead::agent {
namespace {

constexpr Duration kFirstCap = std::chrono::milliseconds(100);
constexpr Duration kCap = std::chrono::seconds(4);
constexpr Duration kLateCap = std::chrono::seconds(30);
constexpr Duration kLate = std::chrono::minutes(10);
constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kTickWhileDraining = std::chrono::milliseconds(50);
// A lane that lived this long was a success; one that ends sooner must not be redialled in a rush.
constexpr Duration kProvenLife = std::chrono::seconds(10);
constexpr std::size_t kMaxLanes = 8;

}  // namespace

Duration RedialPolicy::next(Duration since_connected, bool nobody_listens) {
  const Duration limit = since_connected >= kLate ? kLateCap : kCap;
  Duration cap = kFirstCap;
  if (nobody_listens) {
    cap = std::max(cap, since_connected / 2);
  } else {
    for (unsigned i = 0; i < attempts_ && cap < limit; ++i) {
      cap *= 2;
    }
    ++attempts_;
  }
  cap = std::min(cap, limit);
  return Duration(static_cast<Duration::rep>(random_.unit() * static_cast<double>(cap.count())));
}

Duration RedialPolicy::late() {
  return kLateCap / 2 + Duration(static_cast<Duration::rep>(
                            random_.unit() * static_cast<double>((kLateCap / 2).count())));
}

Connector::Connector(LaneEnvironment& environment, ConnectorEvents& events, Random& random)
    : env_(environment),
      events_(events),
      redial_(random),
      trust_(std::make_shared<const PinnedTrust>()),
      tasks_(environment.executor),
      changed_(environment.executor),
      redial_timer_(environment.executor),
      ticks_(environment.executor),
      connected_at_(environment.executor.clock().now()) {}

Connector::~Connector() = default;

io::Task<void> Connector::run() {
  io::TaskGroup ticking(env_.executor);
  ticking.spawn(run_ticks());
  while (!stopping_) {
    const MonotonicTime now = env_.executor.clock().now();
    if (identity_ != nullptr && good_primary() == nullptr && !is_dialing_primary()) {
      if (!dial_at_.has_value() || now >= *dial_at_) {
        dial_at_.reset();
        start_lane("primary");
      } else {
        redial_timer_.arm_at(*dial_at_, [this] { poke(); });
      }
    }
    co_await changed_.wait();
  }
  redial_timer_.cancel();
  co_await tasks_.join();
  ticks_.stop();
  co_await ticking.join();
}

io::Task<void> Connector::run_ticks() {
  while (co_await ticks_.sleep(stopping_ ? kTickWhileDraining : kTick)) {
    for (const auto& lane : lanes_) {
      lane->tick();
    }
    const MonotonicTime now = env_.executor.clock().now();
    if (good_primary() != nullptr) {
      connected_at_ = now;
    } else {
      poke();  // the hub may have said GOAWAY
    }
    if (grace_until_.has_value() && now >= *grace_until_) {
      grace_until_.reset();
      for (const auto& lane : lanes_) {
        lane->close();
      }
    }
  }
}

Lane* Connector::good_primary() const {
  if (identity_ == nullptr) {
    return nullptr;
  }
  for (const auto& lane : lanes_) {
    if (lane->purpose() == "primary" && lane->takes_requests() &&
        lane->identity()->content == identity_->content) {
      return lane.get();
    }
  }
  return nullptr;
}

bool Connector::is_dialing_primary() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [this](const std::unique_ptr<Lane>& lane) {
    return lane->purpose() == "primary" && lane->identity() == identity_ &&
           (lane->state() == Lane::State::Dialing || lane->state() == Lane::State::Greeting);
  });
}

void Connector::start_lane(const std::string& purpose) {
  ++dials_;
  LaneObserver& observer = *this;
  lanes_.push_back(
      std::make_unique<Lane>(env_, observer, identity_, trust_, purpose, next_number_++));
  tasks_.spawn(run_lane(std::prev(lanes_.end())));
}

io::Task<void> Connector::run_lane(std::list<std::unique_ptr<Lane>>::iterator lane) {
  const auto result = co_await (*lane)->run();
  const MonotonicTime now = env_.executor.clock().now();
  const MonotonicTime ready_since = (*lane)->ready_since();
  const bool was_ready = ready_since != MonotonicTime{};
  const bool current = (*lane)->identity() == identity_;
  const bool primary = (*lane)->purpose() == "primary";
  const bool wanted = !(*lane)->leaving() && primary && current && !stopping_;
  const std::string number = std::to_string((*lane)->number());
  lanes_.erase(lane);
  if (was_ready) {
    env_.logger.info("lane ended", {{"lane", number},
                                    {"why", result.ok() ? "closed" : result.error().message()}});
    if (now - ready_since >= kProvenLife) {
      redial_.reset();
      connected_at_ = primary ? now : connected_at_;
    }
  } else {
    ++dial_failures_;
  }
  if (wanted && good_primary() == nullptr) {
    const bool refused = std::exchange(refused_, false);
    const bool nobody_listens =
        !result.ok() && net::fault_of(result.error()) == net::ConnectFault::ConnectionRefused;
    dial_at_ = now + (refused ? redial_.late() : redial_.next(now - connected_at_, nobody_listens));
    events_.on_disconnected(result.ok() ? Error(ErrorKind::EndOfStream, "the hub closed the lane")
                                        : result.error());
  }
  poke();
}

void Connector::on_lane_ready(Lane& lane) {
  if (stopping_) {
    lane.drain();
    return;
  }
  if (lane.purpose() == "primary") {
    connected_at_ = env_.executor.clock().now();
    retire_others(lane);
    events_.on_connected();
  }
  poke();
}

void Connector::retire_others(const Lane& but) {
  for (const auto& lane : lanes_) {
    const bool outdated = lane->identity()->content != but.identity()->content;
    if (lane.get() != &but && (lane->purpose() == "primary" || outdated || lane->leaving())) {
      lane->retire();
    }
  }
}

void Connector::on_lane_message(Lane& lane, const codec::json::object& message) {
  const std::string_view type = tunnel::message_type(message);
  if (type == "open-lane") {
    const codec::json::value* field = message.if_contains("purpose");
    const std::string_view asked = field != nullptr && field->is_string()
                                       ? std::string_view(field->get_string())
                                       : std::string_view();
    const std::string purpose(asked.empty() || asked == "primary" ? "bulk" : asked.substr(0, 32));
    if (!stopping_ && identity_ != nullptr && lanes_.size() < kMaxLanes) {
      start_lane(purpose);
    }
  } else if (type == "drain") {
    lane.mark_leaving();
    poke();
  } else {
    refused_ = refused_ || type == "refused";
    events_.on_hub_message(message);
  }
}

void Connector::set_identity(HubIdentityPtr identity) {
  identity_ = std::move(identity);
  dial_at_.reset();
  refused_ = false;
  redial_.reset();
  if (identity_ == nullptr) {
    for (const auto& lane : lanes_) {
      lane->close();
    }
  } else {
    // Running lanes take the new bundle at once; the certificate needs a new lane.
    trust_ = identity_->trust;
  }
  poke();
}

bool Connector::send(const codec::json::object& message) {
  if (identity_ == nullptr) {
    return false;
  }
  for (const auto& lane : lanes_) {
    if (lane->takes_requests() && lane->send(message)) {
      return true;
    }
  }
  return false;
}

void Connector::broadcast_report() {
  const codec::json::object message = events_.report().to_json();
  for (const auto& lane : lanes_) {
    if (lane->purpose() == "primary" && lane->state() == Lane::State::Ready) {
      lane->send(message);
    }
  }
}

void Connector::drain(Duration grace) {
  stopping_ = true;
  grace_until_ = env_.executor.clock().now() + grace;
  for (const auto& lane : lanes_) {
    lane->drain();
  }
  poke();
}

void Connector::stop() {
  stopping_ = true;
  for (const auto& lane : lanes_) {
    lane->close();
  }
  poke();
}

bool Connector::connected() const { return identity_ != nullptr && good_primary() != nullptr; }

ConnectorStats Connector::stats() const {
  ConnectorStats stats;
  stats.lanes = lanes_.size();
  for (const auto& lane : lanes_) {
    stats.ready += lane->takes_requests() ? 1 : 0;
    stats.streams += lane->user_streams();
  }
  stats.dials = dials_;
  stats.dial_failures = dial_failures_;
  return stats;
}

}  // namespace roadstead::agent
