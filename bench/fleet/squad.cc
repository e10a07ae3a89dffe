// SPDX-License-Identifier: Apache-2.0
#include "squad.h"

#include <algorithm>

#include "io/sleep.h"

namespace roadstead::fleet {
namespace {

constexpr std::size_t kBufferBudget = 1u << 30;
constexpr Duration kSettle = std::chrono::seconds(1);  // for events that are on their way
constexpr Duration kTick = std::chrono::milliseconds(1);

}  // namespace

Squad::Squad(io::Shard& shard, const Clock& clock)
    : shard_(shard),
      blocking_(1, 64),
      buffers_(kBufferBudget),
      api_server_(shard),
      upstream_(api_server_),
      metrics_(registry_),
      forwarder_(upstream_, clock, metrics_, telemetry::Logger()),
      dialer_(shard, blocking_, {}),
      environment_{shard, dialer_, forwarder_, buffers_, {}, telemetry::Logger()},
      tasks_(shard),
      ended_(shard) {}

Result<std::unique_ptr<Squad>> Squad::create(io::Shard& shard, const Clock& clock,
                                             const std::vector<agent::HubIdentityPtr>& members,
                                             const UserOptions& user) {
  std::unique_ptr<Squad> squad(new Squad(shard, clock));
  for (const agent::HubIdentityPtr& identity : members) {
    squad->names_.push_back(identity->cluster);
    squad->agents_.push_back(std::make_unique<SimulatedAgent>(squad->environment_, identity,
                                                              squad->random_, squad->account_));
  }
  TRY(squad->users_, Users::create(shard, squad->blocking_, user));
  return squad;
}

io::Task<void> Squad::run() {
  for (const auto& agent : agents_) {
    tasks_.spawn(agent->run());
  }
  co_await ended_.wait_next();
  for (const auto& agent : agents_) {
    agent->stop();
  }
  co_await users_->close();
  co_await tasks_.join();
}

void Squad::end() {
  shard_.post_remote([this] { ended_.pulse(); });
}

io::Task<Report> Squad::dial(std::size_t upto, double seconds) {
  const std::size_t end = std::min(upto, agents_.size());
  const std::size_t first = dialled_;
  const auto pause = Duration(
      static_cast<Duration::rep>(seconds * 1e9 / double(std::max(end, first + 1) - first)));
  const MonotonicTime began = shard_.clock().now();
  while (dialled_ < end) {
    const Duration ahead = began + pause * std::int64_t(dialled_ - first) - shard_.clock().now();
    agents_[dialled_++]->dial();
    if (ahead > kTick) {
      co_await io::sleep_for(shard_, ahead);
    }
  }
  co_return co_await report();
}

io::Task<Report> Squad::watch(std::size_t clusters, std::size_t each) {
  const auto count = std::ptrdiff_t(std::min(clusters, names_.size()));
  co_await users_->watch({names_.begin(), names_.begin() + count}, each);
  co_return co_await report();
}

io::Task<Report> Squad::forget() {
  const std::size_t connected = account_.connected;
  account_ = {};
  account_.connected = connected;
  co_return co_await report();
}

io::Task<Report> Squad::report() {
  co_return Report{account_, users_->open(), users_->failed(), users_->sample()};
}

io::Task<Emitted> Squad::emit(double rate, double seconds) {
  static_cast<void>(users_->take_delays());
  const MonotonicTime began = shard_.clock().now();
  Emitted out;
  for (double passed = 0; passed < seconds;
       passed = std::chrono::duration<double>(shard_.clock().now() - began).count()) {
    for (; out.sent < passed * rate && api_server_.emit(); ++out.sent) {
    }
    co_await io::sleep_for(shard_, kTick);
  }
  co_await io::sleep_for(shard_, kSettle);
  out.delays = users_->take_delays();
  co_return out;
}

}  // namespace roadstead::fleet
