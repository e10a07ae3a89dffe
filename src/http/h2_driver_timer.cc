// SPDX-License-Identifier: Apache-2.0
// The part of H2Driver that looks at the clock: liveness, drain, idle and start-up limits.
#include <algorithm>
#include <utility>

#include "http/h2_driver.h"

namespace roadstead::http {
namespace {
constexpr Duration kDrainWait = std::chrono::seconds(1);
}  // namespace

void H2Driver::drain() {
  if (draining_ || ended_) {
    return;
  }
  draining_ = true;
  if (role_ == Role::Client) {
    core_.goaway();  // nothing of the server's is under way that it would have to give up
    return;
  }
  core_.announce_shutdown();
  goaway_at_ = now() + kDrainWait;
  if (!pings_.in_flight()) {
    drain_ping_ = send_ping();
  }
  arm_timer();
}

std::uint64_t H2Driver::send_ping() {
  const std::uint64_t number = pings_.start(now());
  core_.ping(number);
  arm_timer();
  return number;
}

void H2Driver::on_ping_answer(std::uint64_t number) {
  if (!pings_.answered(number, now())) {
    return;
  }
  core_.set_round_trip(pings_.floor());
  pinged_.pulse();
  if (!goaway_at_.has_value()) {
    return;
  }
  // The peer has seen the announcement only if this PING followed it.
  if (drain_ping_ == number) {
    goaway_at_.reset();
    core_.goaway();
  } else {
    drain_ping_ = send_ping();
  }
}

io::Task<Result<Duration>> H2Driver::ping() {
  if (ended_) {
    co_return Error(ErrorKind::Network, "the connection has ended");
  }
  if (!pings_.in_flight()) {
    send_ping();
  }
  ++outside_waiters_;
  io::Timer timer(executor_);
  // Read before the timer is set: it must have passed when the timer fires.
  const MonotonicTime until = now() + options_.ping_timeout;
  timer.arm_at(until, [this] { pinged_.pulse(); });
  while (pings_.in_flight() && !ended_ && now() < until) {
    co_await pinged_.wait_next();
  }
  --outside_waiters_;
  if (ended_) {
    co_return Error(ErrorKind::Network, "the connection has ended");
  }
  if (pings_.in_flight()) {
    co_return Error(ErrorKind::DeadlineExceeded, "PING was not answered");
  }
  co_return pings_.last();
}

void H2Driver::on_timer() {
  const MonotonicTime t = now();
  if (!core_.settings_received() && t >= started_ + options_.settings_timeout) {
    end(Error(ErrorKind::DeadlineExceeded, "the peer sent no HTTP/2 SETTINGS"));
    return;
  }
  if (linger_until_.has_value() && t >= *linger_until_) {
    end(core_.protocol_error());
    return;
  }
  if (!check_peer(t)) {
    end(Error(ErrorKind::Network, "the peer did not answer PING"));
    return;
  }
  if (goaway_at_.has_value() && t >= *goaway_at_) {
    goaway_at_.reset();
    core_.goaway();
  }
  if (role_ == Role::Server && options_.idle_timeout > Duration::zero() &&
      core_.open_streams() == 0 && t >= idle_since_ + options_.idle_timeout) {
    drain();
  }
  arm_timer();
}

// Sends a PING after silence. False when the last one had no answer, nor did any other byte come.
bool H2Driver::check_peer(MonotonicTime t) {
  if (pings_.in_flight()) {
    return t < std::max(pings_.sent_at(), last_received_) + options_.ping_timeout;
  }
  if (options_.ping_after > Duration::zero() && t >= last_received_ + options_.ping_after) {
    send_ping();
  }
  return true;
}

void H2Driver::arm_timer() {
  if (ended_) {
    return;
  }
  MonotonicTime next = MonotonicTime::max();
  const auto consider = [&next](MonotonicTime when) { next = std::min(next, when); };
  if (!core_.settings_received()) {
    consider(started_ + options_.settings_timeout);
  }
  if (linger_until_.has_value()) {
    consider(*linger_until_);
  }
  if (goaway_at_.has_value()) {
    consider(*goaway_at_);
  }
  if (pings_.in_flight()) {
    consider(std::max(pings_.sent_at(), last_received_) + options_.ping_timeout);
  } else if (options_.ping_after > Duration::zero()) {
    consider(last_received_ + options_.ping_after);
  }
  if (role_ == Role::Server && options_.idle_timeout > Duration::zero() && !draining_ &&
      core_.open_streams() == 0) {
    consider(idle_since_ + options_.idle_timeout);
  }
  if (next == MonotonicTime::max()) {
    timer_.cancel();
  } else {
    timer_.arm_at(next, [this] { on_timer(); });
  }
}

}  // namespace roadstead::http
