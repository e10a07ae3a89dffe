// SPDX-License-Identifier: Apache-2.0
// Many Agents in one process, and a person with many watches, against a real hub. Driven by lines
// of JSON on standard input, each answered by one line on standard output:
//
//   {"do":"dial","count":N,"seconds":S}        the next N Agents begin to dial, spread over S
//   {"do":"stats"}                             what became of dials and watches
//   {"do":"forget"}                            begins the account of dials anew
//   {"do":"watch","each":N,"clusters":M}       N watches of each of the first M clusters
//   {"do":"emit","rate":R,"seconds":S}         events, one watch after the other; their delays
//
// The first line of output, {"members":N}, says that the certificates are made and the hub's folder
// is free. Ends with its input.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <thread>

#include "agent/forwarder.h"
#include "base/random.h"
#include "codec/json.h"
#include "io/files.h"
#include "io/sleep.h"
#include "members.h"
#include "simulated_agent.h"
#include "simulated_api_server.h"
#include "telemetry/metrics.h"
#include "users.h"

namespace roadstead::fleet {
namespace {

namespace json = codec::json;

constexpr std::size_t kBufferBudget = 1u << 30;
constexpr Duration kSettle = std::chrono::seconds(1);  // for events that are on their way
constexpr Duration kEmitTick = std::chrono::milliseconds(1);

struct Options {
  std::string data_dir;
  std::string members;
  std::string hub;
  std::string roots;
  std::string credential;
};

std::int64_t milliseconds(WallTime t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

double number_at(const json::value& command, std::string_view name) {
  const json::value* found = codec::find(command, {name});
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0;
}

std::uint32_t quantile(const std::vector<std::uint32_t>& sorted, double q) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(q * double(sorted.size() - 1))];
}

class Fleet {
 public:
  explicit Fleet(io::Shard& shard, const Clock& clock)
      : shard_(shard),
        blocking_(1, 64),
        api_server_(shard),
        upstream_(api_server_),
        metrics_(registry_),
        forwarder_(upstream_, clock, metrics_, telemetry::Logger()),
        dialer_(shard, blocking_, {}),
        environment_{shard, dialer_, forwarder_, buffers_, {}, telemetry::Logger()},
        tasks_(shard),
        commands_changed_(shard) {}

  Result<std::size_t> prepare(const Options& options, const Clock& clock) {
    TRY(const auto identities,
        make_identities(options.data_dir, options.members, options.hub, clock, random_, shard_));
    for (const agent::HubIdentityPtr& identity : identities) {
      names_.push_back(identity->cluster);
      agents_.push_back(
          std::make_unique<SimulatedAgent>(environment_, identity, random_, account_));
    }
    UserOptions users;
    TRY(users.hub, net::parse_host_port(options.hub, "8443"));
    TRY(users.roots_pem, io::read_file(options.roots));
    TRY(users.credential_pem, io::read_file(options.credential));
    TRY(users_, Users::create(shard_, blocking_, std::move(users)));
    return agents_.size();
  }

  void command(std::string line) {
    commands_.push_back(std::move(line));
    commands_changed_.pulse();
  }
  void end() {
    ended_ = true;
    commands_changed_.pulse();
  }

  io::Task<void> run() {
    for (const auto& agent : agents_) {
      tasks_.spawn(agent->run());
    }
    while (!ended_) {
      if (commands_.empty()) {
        co_await commands_changed_.wait_next();
        continue;
      }
      const std::string line = std::move(commands_.front());
      commands_.erase(commands_.begin());
      const auto parsed = codec::parse_json(line);
      std::cout << codec::write_json(parsed.ok() ? co_await obey(*parsed)
                                                 : json::object{{"error", "not JSON"}})
                << std::endl;
    }
    for (const auto& agent : agents_) {
      agent->stop();
    }
    co_await users_->close();
    co_await tasks_.join();
  }

 private:
  io::Task<json::object> obey(json::value command) {
    const std::string what(codec::string_at(command, {"do"}));
    if (what == "dial") {
      co_await dial(static_cast<std::size_t>(number_at(command, "count")),
                    number_at(command, "seconds"));
    } else if (what == "forget") {
      const std::size_t connected = account_.connected;
      account_ = {};
      account_.connected = connected;
    } else if (what == "watch") {
      const auto count =
          std::min(static_cast<std::size_t>(number_at(command, "clusters")), names_.size());
      co_await users_->watch({names_.begin(), names_.begin() + std::ptrdiff_t(count)},
                             static_cast<std::size_t>(number_at(command, "each")));
    } else if (what == "emit") {
      co_return co_await emit(number_at(command, "rate"), number_at(command, "seconds"));
    } else if (what != "stats") {
      co_return json::object{{"error", "unknown command"}};
    }
    co_return stats();
  }

  json::object stats() const {
    return {{"connected", account_.connected},
            {"lost", account_.lost},
            {"refused", account_.refused},
            {"handshakesFailed", account_.handshakes_failed},
            {"otherFailures", account_.other_failures},
            {"sample", account_.sample},
            {"firstConnected", milliseconds(account_.first_connected)},
            {"lastConnected", milliseconds(account_.last_connected)},
            {"watches", users_->open()},
            {"watchesFailed", users_->failed()},
            {"watchSample", users_->sample()}};
  }

  io::Task<void> dial(std::size_t count, double seconds) {
    const auto pause = Duration(static_cast<Duration::rep>(seconds * 1e9 / double(count)));
    const MonotonicTime began = shard_.clock().now();
    for (std::size_t i = 0; i < count && dialled_ < agents_.size(); ++i) {
      agents_[dialled_++]->dial();
      const Duration ahead = began + pause * std::int64_t(i) - shard_.clock().now();
      if (ahead > kEmitTick) {
        co_await io::sleep_for(shard_, ahead);
      }
    }
  }

  io::Task<json::object> emit(double rate, double seconds) {
    static_cast<void>(users_->take_delays());
    const MonotonicTime began = shard_.clock().now();
    double sent = 0;
    for (double passed = 0; passed < seconds;
         passed = std::chrono::duration<double>(shard_.clock().now() - began).count()) {
      for (; sent < passed * rate && api_server_.emit(); ++sent) {
      }
      co_await io::sleep_for(shard_, kEmitTick);
    }
    co_await io::sleep_for(shard_, kSettle);
    std::vector<std::uint32_t> delays = users_->take_delays();
    std::sort(delays.begin(), delays.end());
    co_return json::object{{"sent", sent},
                           {"received", delays.size()},
                           {"p50", quantile(delays, 0.5)},
                           {"p99", quantile(delays, 0.99)}};
  }

  io::Shard& shard_;
  io::BlockingPool blocking_;
  SystemRandom random_;
  http::BufferBudget buffers_{kBufferBudget};
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
  io::Event commands_changed_;
  std::vector<std::string> commands_;
  std::size_t dialled_ = 0;
  bool ended_ = false;
};

int run(const Options& options) {
  const SystemClock clock;
  io::Shard shard(clock);
  Fleet fleet(shard, clock);
  const auto members = fleet.prepare(options, clock);
  if (!members.ok()) {
    std::cerr << "fleet: " << members.error().message() << "\n";
    return 1;
  }
  std::cout << codec::write_json(json::object{{"members", *members}}) << std::endl;
  std::thread reader([&shard, &fleet] {
    for (std::string line; std::getline(std::cin, line);) {
      shard.post_remote([&fleet, line] { fleet.command(line); });
    }
    shard.post_remote([&fleet] { fleet.end(); });
  });
  shard.run_until_done(fleet.run());
  reader.join();
  return 0;
}

}  // namespace
}  // namespace roadstead::fleet

int main(int argc, char** argv) {
  CLI::App app("Many simulated Agents against one hub");
  roadstead::fleet::Options options;
  app.add_option("--data-dir", options.data_dir, "of the hub, which does not run yet")->required();
  app.add_option("--members", options.members, "JSON: names and uids of clusters")->required();
  app.add_option("--hub", options.hub, "where the hub will listen")->required();
  app.add_option("--roots", options.roots, "PEM: whom the person trusts")->required();
  app.add_option("--credential", options.credential, "PEM: the person's")->required();
  CLI11_PARSE(app, argc, argv);
  return roadstead::fleet::run(options);
}
