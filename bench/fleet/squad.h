// SPDX-License-Identifier: Apache-2.0
// A share of the simulated Agents and of the person's watches, all on one thread. Made and
// destroyed on that thread; ask() may be called from any other.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "agent/forwarder.h"
#include "base/random.h"
#include "simulated_agent.h"
#include "simulated_api_server.h"
#include "telemetry/metrics.h"
#include "users.h"

namespace roadstead::fleet {

struct Report {
  Account dials;
  std::size_t watches = 0;
  std::size_t watches_failed = 0;
  std::string watch_sample;
};

struct Emitted {
  double sent = 0;
  std::vector<std::uint32_t> delays;  // of the events that came, in microseconds
};

class Squad {
 public:
  static Result<std::unique_ptr<Squad>> create(io::Shard& shard, const Clock& clock,
                                               const std::vector<agent::HubIdentityPtr>& members,
                                               const UserOptions& user);

  // Until end().
  io::Task<void> run();

  // Does something on the squad's thread.
  template <class T>
  std::future<T> ask(std::function<io::Task<T>(Squad&)> what) {
    std::promise<T> promise;
    std::future<T> answer = promise.get_future();
    shard_.post_remote([this, what = std::move(what), promise = std::move(promise)]() mutable {
      tasks_.spawn(keep_promise(std::move(what), std::move(promise)));
    });
    return answer;
  }
  void end();  // from any thread

  // On the squad's thread, by ask().
  io::Task<Report> dial(std::size_t upto, double seconds);  // so many have dialled in the end
  io::Task<Report> watch(std::size_t clusters, std::size_t each);
  io::Task<Report> forget();
  io::Task<Report> report();
  io::Task<Emitted> emit(double rate, double seconds);

 private:
  Squad(io::Shard& shard, const Clock& clock);

  template <class T>
  io::Task<void> keep_promise(std::function<io::Task<T>(Squad&)> what, std::promise<T> promise) {
    promise.set_value(co_await what(*this));
  }

  io::Shard& shard_;
  io::BlockingPool blocking_;
  SystemRandom random_;
  http::BufferBudget buffers_;
  SimulatedApiServer api_server_;
  agent::UserUpstream upstream_;
  telemetry::MetricRegistry registry_;
  agent::AgentMetrics metrics_;
  agent::Forwarder forwarder_;
  agent::TlsHubDialer dialer_;
  agent::LaneEnvironment environment_;
  Account account_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<SimulatedAgent>> agents_;
  std::unique_ptr<Users> users_;
  io::TaskGroup tasks_;
  io::Event ended_;
  std::size_t dialled_ = 0;
};

}  // namespace roadstead::fleet
