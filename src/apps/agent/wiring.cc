// SPDX-License-Identifier: Apache-2.0
#include "apps/agent/wiring.h"

#include <nss.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "agent/check.h"
#include "agent/credential_stores.h"
#include "agent/health.h"
#include "agent/pooled_api_server.h"
#include "agent/supervisor.h"
#include "agent/termination_log.h"
#include "apps/agent/signals.h"
#include "base/random.h"
#include "io/blocking_pool.h"
#include "io/memory_return.h"
#include "io/shard.h"
#include "telemetry/log.h"

namespace roadstead::agent_app {
namespace {

constexpr std::size_t kBlockingThreads = 2;
constexpr std::size_t kBlockingQueue = 256;
// What is received and not yet read, from hub and API server together.
constexpr std::size_t kBufferBudget = 64 << 20;
constexpr Duration kGrace = std::chrono::seconds(25);
constexpr const char* kSoftware = "roadstead-agent " ROADSTEAD_VERSION;

// A static program cannot load the name service modules that this machine may be configured for.
void use_built_in_name_services() { __nss_configure_lookup("hosts", "files dns"); }

agent::OwnNames own_names(const agent::AgentSettings& settings) {
  return {settings.namespace_, settings.secret, settings.lease};
}

// What the Agent consists of, in the order in which it is built.
class Program {
 public:
  explicit Program(const agent::AgentSettings& settings)
      : settings_(settings),
        logger_(telemetry::make_stderr_sink(settings.log_format), settings.log_level),
        shard_(clock_),
        blocking_(kBlockingThreads, kBlockingQueue),
        metrics_(registry_),
        termination_log_(settings.termination_log, shard_, blocking_) {}

  int run() {
    const auto built = build();
    if (!built.ok()) {
      logger_.error("not started", {{"error", built.error().message()}});
      termination_log_.write_now("NotStarted: " + built.error().message());
      return built.error().kind() == ErrorKind::InvalidArgument ? 2 : 1;
    }
    shard_.run_until_done(serve());
    return 0;
  }

 private:
  Result<void> build() {
    TRY(agent::ApiServerAccess access, agent::read_access(settings_));
    TRY(std::string fingerprint, access.ca_fingerprint().with_context(access.origin));
    const std::string origin = access.origin;
    TRY(api_server_,
        agent::PooledApiServer::create(std::move(access), shard_, blocking_, logger_, &buffers_));
    calls_ = std::make_unique<agent::OwnCalls>(*api_server_, shard_, own_names(settings_));
    TRY_VOID(build_store());
    dialer_ = std::make_unique<agent::TlsHubDialer>(shard_, blocking_, settings_.proxy);

    agent::SupervisorOptions options;
    options.facts.replica = settings_.replica;
    options.facts.software = kSoftware;
    options.facts.api_server_ca_fingerprint = std::move(fingerprint);
    options.names = own_names(settings_);
    options.api_server_origin = origin;
    options.proxy = settings_.proxy;
    options.hub = settings_.hub;
    supervisor_ = std::make_unique<agent::Supervisor>(
        agent::SupervisorParts{shard_, random_, *api_server_, *calls_, *store_, *leadership_,
                               *dialer_, metrics_, buffers_,
                               [this](const std::string& text) { termination_log_.write(text); }},
        std::move(options), logger_);
    health_handler_ = std::make_unique<agent::HealthHandler>(*supervisor_, registry_);
    TRY(health_, agent::HealthServer::open(shard_, settings_.health, *health_handler_));
    TRY(signals_, Signals::create(shard_));
    return {};
  }

  Result<void> build_store() {
    if (settings_.in_cluster) {
      store_ = std::make_unique<agent::SecretCredentialStore>(*calls_, shard_);
      leadership_ =
          std::make_unique<agent::LeaseLeadership>(*calls_, shard_, settings_.replica, logger_);
      return {};
    }
    std::string bootstrap;
    if (!settings_.bootstrap.empty()) {
      TRY(bootstrap, agent::read_file(settings_.bootstrap).with_context("--bootstrap"));
    }
    TRY(store_, agent::FileCredentialStore::open(settings_.state_dir, bootstrap, settings_.secret,
                                                 shard_, blocking_));
    leadership_ = std::make_unique<agent::SoleLeadership>();
    return {};
  }

  io::Task<void> serve() {
    logger_.info("started", {{"software", kSoftware},
                             {"replica", settings_.replica},
                             {"credentials", store_->where()},
                             {"health", net::format_host_port(health_->address())}});
    io::TaskGroup tasks(shard_);
    tasks.spawn(health_->run());
    tasks.spawn(handle_signals());
    co_await supervisor_->run();
    signals_->close();
    health_->close();
    co_await tasks.join();
    co_await api_server_->close();
    co_await termination_log_.settle();
    logger_.info("ended");
  }

  io::Task<void> handle_signals() {
    for (;;) {
      const auto signal = co_await signals_->next();
      if (!signal.ok()) {
        co_return;
      }
      supervisor_->shut_down(kGrace);  // a second signal cuts the grace short
    }
  }

  const agent::AgentSettings& settings_;
  SystemClock clock_;
  SystemRandom random_;
  telemetry::Logger logger_;
  io::Shard shard_;
  io::MemoryReturn memory_return_{shard_};
  io::BlockingPool blocking_;
  telemetry::MetricRegistry registry_;
  agent::AgentMetrics metrics_;
  http::BufferBudget buffers_{kBufferBudget};
  agent::TerminationLog termination_log_;
  std::unique_ptr<agent::PooledApiServer> api_server_;
  std::unique_ptr<agent::OwnCalls> calls_;
  std::unique_ptr<agent::CredentialStore> store_;
  std::unique_ptr<agent::Leadership> leadership_;
  std::unique_ptr<agent::HubDialer> dialer_;
  std::unique_ptr<agent::Supervisor> supervisor_;
  std::unique_ptr<agent::HealthHandler> health_handler_;
  std::unique_ptr<agent::HealthServer> health_;
  std::unique_ptr<Signals> signals_;
};

io::Task<void> climb(const agent::AgentSettings& settings, io::Shard& shard,
                     io::BlockingPool& blocking, bool& ok) {
  ok = co_await agent::run_check(settings, shard, blocking, [](const agent::CheckStep& step) {
    std::cout << agent::format_step(step) << std::flush;
  });
}

}  // namespace

int run_agent(const agent::AgentSettings& settings) {
  Signals::block();
  use_built_in_name_services();
  Program program(settings);
  return program.run();
}

int run_check(const agent::AgentSettings& settings) {
  use_built_in_name_services();
  SystemClock clock;
  io::Shard shard(clock);
  io::BlockingPool blocking(kBlockingThreads, kBlockingQueue);
  bool ok = false;
  shard.run_until_done(climb(settings, shard, blocking, ok));
  std::cout << (ok ? "All steps are good.\n"
                   : "The first step that failed is the last one above.\n");
  return ok ? 0 : 1;
}

}  // namespace roadstead::agent_app
