// SPDX-License-Identifier: Apache-2.0
#include "agent/lane.h"

#include "tunnel/protocol.h"

namespace roadstead::agent {
namespace {

constexpr Duration kHelloTimeout = std::chrono::seconds(10);
constexpr Duration kExtraLaneIdle = std::chrono::seconds(60);
constexpr Duration kRetiredLaneIdle = std::chrono::seconds(2);
constexpr std::uint64_t kUnlimited = 1'000'000'000;

http::H2Options session_options(http::BufferBudget& buffers) {
  http::H2Options options;
  options.enable_connect_protocol = true;
  options.max_concurrent_streams = 1000;
  options.buffer_budget = &buffers;
  // Cancels of all users arrive on one connection; the Stub limits each user at its own edge.
  options.reset_burst = kUnlimited;
  options.reset_rate = kUnlimited;
  options.ping_after = std::chrono::seconds(5);
  options.ping_timeout = std::chrono::seconds(5);
  return options;
}

}  // namespace

Lane::Lane(LaneEnvironment& environment, LaneObserver& observer, HubIdentityPtr identity,
           std::shared_ptr<const PinnedTrust> const& trust, std::string purpose,
           std::uint64_t number)
    : env_(environment),
      observer_(observer),
      identity_(std::move(identity)),
      trust_(trust),
      purpose_(std::move(purpose)),
      number_(number),
      logger_(environment.logger.with({{"lane", number}})) {}

Lane::~Lane() = default;

io::Task<Result<void>> Lane::run() {
  auto stream = co_await env_.dialer.dial_lane(identity_);
  if (!stream.ok() || closed_) {
    state_ = State::Ended;
    if (stream.ok()) {
      (*stream)->close();
    }
    co_return stream.ok() ? Result<void>() : std::move(stream).error();
  }
  (*stream)->limit_unacknowledged(tunnel::kUnacknowledgedLimit);
  (*stream)->limit_unsent(tunnel::kUnsentBounds);
  std::array<std::byte, 32> exporter{};
  if (net::TlsSession* tls = (*stream)->tls(); tls != nullptr) {
    auto exported = tls->export_keying_material(tunnel::kExporterLabel);
    if (!exported.ok()) {
      state_ = State::Ended;
      (*stream)->close();
      co_return std::move(exported).error();
    }
    exporter = *exported;
  }
  LaneEvents& events = *this;
  server_ = std::make_unique<LaneServer>(env_.executor, env_.executor.clock(), env_.forwarder,
                                         trust_, env_.rules, events, exporter, logger_);
  session_ = http::H2Session::create(std::move(*stream), http::H2Session::Role::Server,
                                     session_options(env_.buffers), server_.get());
  connected_at_ = env_.executor.clock().now();
  state_ = State::Greeting;
  auto result = co_await session_->run();
  const bool was_ready = ready_since_ != MonotonicTime{};
  state_ = State::Ended;
  if (result.ok() && !was_ready && !closed_) {
    co_return Error(ErrorKind::EndOfStream, "the hub closed the connection before its hello");
  }
  co_return result;
}

void Lane::on_hub_hello(const tunnel::Hello& hello) {
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
      env_.executor.clock().wall().time_since_epoch());
  logger_.info("lane ready", {{"purpose", purpose_},
                              {"hub", hello.hub_instance},
                              {"address", peer_address()},
                              {"clock_offset_ms", hello.wall_milliseconds - wall.count()}});
}

void Lane::on_ready() {
  if (state_ == State::Greeting) {
    state_ = State::Ready;
    ready_since_ = env_.executor.clock().now();
    observer_.on_lane_ready(*this);
  }
}

bool Lane::takes_requests() const {
  return state_ == State::Ready && !leaving_ && !session_->draining();
}

std::size_t Lane::user_streams() const {
  if (session_ == nullptr) {
    return 0;
  }
  const std::size_t open = session_->open_streams();
  return open > 0 ? open - 1 : 0;  // without the control stream
}

std::string Lane::peer_address() const {
  return session_ != nullptr ? session_->connection().peer_address : std::string();
}

bool Lane::send(codec::json::object message) {
  return server_ != nullptr && server_->send(std::move(message));
}

bool Lane::idle_for_long(MonotonicTime now) {
  if (user_streams() > 0) {
    idle_since_.reset();
    return false;
  }
  idle_since_ = idle_since_.value_or(now);
  const Duration limit = state_ == State::Retiring ? kRetiredLaneIdle : kExtraLaneIdle;
  return now - *idle_since_ >= limit;
}

void Lane::tick() {
  if (session_ == nullptr || state_ == State::Ended) {
    return;
  }
  server_->tick();
  const MonotonicTime now = env_.executor.clock().now();
  if (state_ == State::Greeting && now - connected_at_ >= kHelloTimeout) {
    logger_.warn("lane closed", {{"why", "no hello from the hub within 10 s"}});
    close();
  } else if (state_ == State::Draining && user_streams() == 0) {
    server_->close();  // the control stream is all that is left
  } else if ((state_ == State::Retiring || (state_ == State::Ready && purpose_ != "primary")) &&
             idle_for_long(now)) {
    drain();
  }
}

void Lane::retire() {
  if (state_ == State::Ready) {
    state_ = State::Retiring;
    idle_since_.reset();
    send({{"type", "retire"}});
  }
}

void Lane::drain() {
  if (session_ == nullptr) {
    close();
  } else if (state_ != State::Draining && state_ != State::Ended) {
    state_ = State::Draining;
    session_->drain();
  }
}

void Lane::close() {
  closed_ = true;
  if (session_ != nullptr) {
    server_->close();
    session_->close();
  }
}

}  // namespace roadstead::agent
