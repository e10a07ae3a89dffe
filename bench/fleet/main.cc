// SPDX-License-Identifier: Apache-2.0
// Many Agents in one process, and a person with many watches, against a real hub. They are shared
// out among threads, so that the hub is the slower side also after its restart. Driven by lines of
// JSON on standard input, each answered by one line on standard output:
//
//   {"do":"dial","count":N,"seconds":S}        the next N Agents begin to dial, spread over S
//   {"do":"stats"}                             what became of dials and watches
//   {"do":"forget"}                            begins the account of dials anew
//   {"do":"watch","each":N,"clusters":M}       N watches of each of the first M clusters
//   {"do":"emit","rate":R,"seconds":S}         events, one watch after the other; their delays
//
// The first line of output, {"members":N}, says that the certificates are made and the hub's folder
// is free. Ends with its input.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <thread>

#include "base/random.h"
#include "codec/json.h"
#include "io/files.h"
#include "members.h"
#include "squad.h"

namespace roadstead::fleet {
namespace {

namespace json = codec::json;

struct Options {
  std::string data_dir;
  std::string members;
  std::string hub;
  std::string roots;
  std::string credential;
  std::size_t threads = 2;
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

void add(Report& sum, const Report& one) {
  const Account& from = one.dials;
  Account& to = sum.dials;
  to.connected += from.connected;
  to.lost += from.lost;
  to.refused += from.refused;
  to.handshakes_failed += from.handshakes_failed;
  to.other_failures += from.other_failures;
  to.sample = to.sample.empty() ? from.sample : to.sample;
  to.last_connected = std::max(to.last_connected, from.last_connected);
  if (to.first_connected == WallTime{} ||
      (from.first_connected != WallTime{} && from.first_connected < to.first_connected)) {
    to.first_connected = from.first_connected;
  }
  sum.watches += one.watches;
  sum.watches_failed += one.watches_failed;
  sum.watch_sample = sum.watch_sample.empty() ? one.watch_sample : sum.watch_sample;
}

json::object to_json(const Report& report) {
  return {{"connected", report.dials.connected},
          {"lost", report.dials.lost},
          {"refused", report.dials.refused},
          {"handshakesFailed", report.dials.handshakes_failed},
          {"otherFailures", report.dials.other_failures},
          {"sample", report.dials.sample},
          {"firstConnected", milliseconds(report.dials.first_connected)},
          {"lastConnected", milliseconds(report.dials.last_connected)},
          {"watches", report.watches},
          {"watchesFailed", report.watches_failed},
          {"watchSample", report.watch_sample}};
}

// All squads, each with its thread. Number i of the members belongs to squad i modulo their number.
class Fleet {
 public:
  explicit Fleet(const Clock& clock) : clock_(clock) {}
  ~Fleet() {
    for (Squad* squad : squads_) {
      squad->end();
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  Result<std::size_t> start(const Options& options) {
    SystemRandom random;
    io::Shard shard(clock_);
    TRY(const auto identities,
        make_identities(options.data_dir, options.members, options.hub, clock_, random, shard));
    UserOptions user;
    TRY(user.hub, net::parse_host_port(options.hub, "8443"));
    TRY(user.roots_pem, io::read_file(options.roots));
    TRY(user.credential_pem, io::read_file(options.credential));
    std::vector<std::vector<agent::HubIdentityPtr>> shares(options.threads);
    for (std::size_t i = 0; i < identities.size(); ++i) {
      shares[i % shares.size()].push_back(identities[i]);
    }
    for (auto& share : shares) {
      TRY(Squad * squad, start_squad(std::move(share), user));
      squads_.push_back(squad);
    }
    return identities.size();
  }

  json::object obey(const json::value& command) {
    const std::string what(codec::string_at(command, {"do"}));
    const double seconds = number_at(command, "seconds");
    if (what == "dial") {
      dialled_ += static_cast<std::size_t>(number_at(command, "count"));
      return all([&](Squad& s, std::size_t k) { return s.dial(share(dialled_, k), seconds); });
    }
    if (what == "forget") {
      return all([](Squad& s, std::size_t) { return s.forget(); });
    }
    if (what == "watch") {
      const auto each = static_cast<std::size_t>(number_at(command, "each"));
      const auto clusters = static_cast<std::size_t>(number_at(command, "clusters"));
      return all([&](Squad& s, std::size_t k) { return s.watch(share(clusters, k), each); });
    }
    if (what == "emit") {
      return emit(number_at(command, "rate") / double(squads_.size()), seconds);
    }
    if (what == "stats") {
      return all([](Squad& s, std::size_t) { return s.report(); });
    }
    return {{"error", "unknown command"}};
  }

 private:
  Result<Squad*> start_squad(std::vector<agent::HubIdentityPtr> members, const UserOptions& user) {
    std::promise<Result<Squad*>> made;
    auto result = made.get_future();
    threads_.emplace_back(
        [this, members = std::move(members), user, made = std::move(made)]() mutable {
          io::Shard shard(clock_);
          auto squad = Squad::create(shard, clock_, members, user);
          if (!squad.ok()) {
            made.set_value(squad.error());
            return;
          }
          made.set_value(squad->get());
          shard.run_until_done((*squad)->run());
        });
    return result.get();
  }

  // Of the first `count` members, how many are of squad `k`.
  std::size_t share(std::size_t count, std::size_t k) const {
    return (count + squads_.size() - 1 - k) / squads_.size();
  }

  template <class T, class F>
  std::vector<T> ask_all(F what) {
    std::vector<std::future<T>> asked;
    for (std::size_t k = 0; k < squads_.size(); ++k) {
      asked.push_back(squads_[k]->template ask<T>([what, k](Squad& s) { return what(s, k); }));
    }
    std::vector<T> out;
    for (std::future<T>& one : asked) {
      out.push_back(one.get());
    }
    return out;
  }

  template <class F>
  json::object all(F what) {
    Report sum;
    for (const Report& one : ask_all<Report>(what)) {
      add(sum, one);
    }
    return to_json(sum);
  }

  json::object emit(double rate, double seconds) {
    Emitted sum;
    for (const Emitted& one :
         ask_all<Emitted>([=](Squad& s, std::size_t) { return s.emit(rate, seconds); })) {
      sum.sent += one.sent;
      sum.delays.insert(sum.delays.end(), one.delays.begin(), one.delays.end());
    }
    std::sort(sum.delays.begin(), sum.delays.end());
    return {{"sent", sum.sent},
            {"received", sum.delays.size()},
            {"p50", quantile(sum.delays, 0.5)},
            {"p99", quantile(sum.delays, 0.99)}};
  }

  const Clock& clock_;
  std::vector<std::thread> threads_;
  std::vector<Squad*> squads_;  // each lives on its thread until end()
  std::size_t dialled_ = 0;
};

int run(const Options& options) {
  const SystemClock clock;
  Fleet fleet(clock);
  const auto members = fleet.start(options);
  if (!members.ok()) {
    std::cerr << "fleet: " << members.error().message() << "\n";
    return 1;
  }
  std::cout << codec::write_json(json::object{{"members", *members}}) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto command = codec::parse_json(line);
    std::cout << codec::write_json(command.ok() ? fleet.obey(*command)
                                                : json::object{{"error", "not JSON"}})
              << std::endl;
  }
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
  app.add_option("--threads", options.threads, "among which the Agents are shared out")
      ->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  return roadstead::fleet::run(options);
}
