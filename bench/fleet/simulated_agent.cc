// SPDX-License-Identifier: Apache-2.0
#include "simulated_agent.h"

#include "net/connect_fault.h"

namespace roadstead::fleet {
namespace {

constexpr Duration kReportEvery = std::chrono::seconds(10);
constexpr const char* kVersion = "v1.36.0";

}  // namespace

SimulatedAgent::SimulatedAgent(agent::LaneEnvironment& environment, agent::HubIdentityPtr identity,
                               Random& random, Account& account)
    : environment_(environment),
      identity_(std::move(identity)),
      random_(random),
      account_(account),
      connector_(environment, *this, random),
      pause_(environment.executor) {}

SimulatedAgent::~SimulatedAgent() = default;

io::Task<void> SimulatedAgent::run() {
  io::TaskGroup reports(environment_.executor);
  reports.spawn(report_now_and_then());
  co_await connector_.run();
  pause_.stop();
  co_await reports.join();
}

void SimulatedAgent::stop() { connector_.stop(); }

io::Task<void> SimulatedAgent::report_now_and_then() {
  auto wait = Duration(static_cast<Duration::rep>(random_.unit() * kReportEvery.count()));
  while (co_await pause_.sleep(wait)) {
    connector_.broadcast_report();
    wait = kReportEvery;
  }
}

tunnel::Hello SimulatedAgent::hello(const agent::Lane& lane) {
  tunnel::Hello hello;
  hello.software = "roadstead-fleet";
  hello.replica = "roadstead-agent-6d5f7c9b8-x2x7k";
  hello.lane_purpose = lane.purpose();
  hello.api_server_ca_fingerprint = std::string(64, 'f');
  hello.kubernetes_version = kVersion;
  hello.cluster_uid = "3f2f6f0e-6f0b-4d0e-8b43-5a4b3f0d9a11";
  hello.platform = "linux/amd64";
  hello.cluster = identity_->cluster;
  hello.capabilities = {"retire"};
  hello.wall_milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                                environment_.executor.clock().wall().time_since_epoch())
                                .count();
  return hello;
}

tunnel::ApiServerReport SimulatedAgent::report() {
  tunnel::ApiServerReport report;
  report.reachable = true;
  report.version = kVersion;
  return report;
}

void SimulatedAgent::on_connected() {
  if (!connected_) {
    connected_ = true;
    ++account_.connected;
    account_.last_connected = environment_.executor.clock().wall();
    if (account_.first_connected == WallTime{}) {
      account_.first_connected = account_.last_connected;
    }
  }
}

void SimulatedAgent::on_disconnected(const Error& why) {
  if (connected_) {
    connected_ = false;
    --account_.connected;
    ++account_.lost;
    return;
  }
  if (net::fault_of(why) == net::ConnectFault::ConnectionRefused) {
    ++account_.refused;
    return;
  }
  const bool handshake = why.message().find("TLS handshake") != std::string::npos;
  ++(handshake ? account_.handshakes_failed : account_.other_failures);
  account_.sample = why.message();
}

}  // namespace roadstead::fleet
