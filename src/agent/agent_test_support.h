// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a CA, an API server and a hub on in-memory pipes, simulated time.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api_server_link.h"
#include "agent/hub.h"
#include "agent/metrics.h"
#include "base/random.h"
#include "crypto/certificate.h"
#include "http/client_pool.h"
#include "http/h1_connection.h"
#include "http/h2_session.h"
#include "http/relay.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "kube/status.h"
#include "net/pipe.h"
#include "tunnel/identity_context.h"
#include "tunnel/names.h"

namespace roadstead::agent {

inline constexpr std::string_view kClusterUid = "3f0c1c0e-0000-4000-8000-000000000001";
inline constexpr std::string_view kUserUid = "aaaaaaaa-0000-4000-8000-000000000002";

struct World {
  FakeClock clock;
  io::SimulatedLoop loop{clock};
  SeededRandom random{7};
  telemetry::MetricRegistry registry;
  AgentMetrics metrics{registry};

  void settle() { loop.run_ready_now(); }
  void run_for(Duration d) { loop.run_for(d); }
};

// Issues what the tests need, valid around the world's present.
class TestCa {
 public:
  TestCa(World& world, std::string name)
      : world_(world),
        key_(crypto::PrivateKey::generate_p256()),
        certificate_(make_root(world, key_, std::move(name))) {}

  std::string pem() const { return certificate_.pem(); }
  const crypto::Certificate& certificate() const { return certificate_; }

  crypto::Certificate issue(const crypto::PublicKey& key, const tunnel::Subject& subject,
                            std::vector<std::string> organizations = {},
                            Duration life = std::chrono::hours(168)) {
    crypto::CertificateTemplate t;
    t.common_name = subject.name;
    t.organizations = std::move(organizations);
    t.uris = {tunnel::subject_uri(subject)};
    t.not_before = world_.clock.wall();
    t.not_after = world_.clock.wall() + life;
    t.client_auth = true;
    auto issued = crypto::issue(t, key, certificate_, key_, world_.random);
    CHECK(issued.ok(), issued.ok() ? "" : issued.error().message());
    return std::move(*issued);
  }
  crypto::Certificate user(std::string login, std::vector<std::string> organizations = {}) {
    return issue(crypto::PrivateKey::generate_p256().public_key(),
                 {"user", std::move(login), std::string(kUserUid)}, std::move(organizations));
  }
  // The answer to a CSR of cluster "ack".
  std::string answer_csr(std::string_view csr_pem, Duration life = std::chrono::hours(168)) {
    auto csr = crypto::CertificateSigningRequest::from_pem(csr_pem);
    CHECK(csr.ok(), "CSR");
    return issue(csr->public_key(), {"cluster", "ack", std::string(kClusterUid)}, {}, life).pem();
  }

 private:
  static crypto::Certificate make_root(World& world, const crypto::PrivateKey& key,
                                       std::string name) {
    crypto::CertificateTemplate t;
    t.common_name = std::move(name);
    t.not_before = world.clock.wall() - std::chrono::hours(1);
    t.not_after = world.clock.wall() + std::chrono::hours(100'000);
    t.ca = true;
    auto root = crypto::issue_self_signed(t, key, world.random);
    CHECK(root.ok(), "root");
    return std::move(*root);
  }
  World& world_;
  crypto::PrivateKey key_;
  crypto::Certificate certificate_;
};

class FunctionHandler final : public http::Handler {
 public:
  using Function = std::function<io::Task<void>(http::ServerExchange&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  io::Task<void> handle(http::ServerExchange& exchange) override { return function_(exchange); }

 private:
  Function function_;
};

inline io::Task<void> reply(http::ServerExchange& exchange, int status, std::string body,
                            http::Headers headers = {}) {
  http::ResponseHead head;
  head.status = status;
  head.headers = std::move(headers);
  const auto responded = co_await exchange.respond(std::move(head), body.empty());
  if (responded.ok() && !body.empty()) {
    if ((co_await exchange.write(body)).ok()) {
      static_cast<void>(co_await exchange.finish());
    }
  }
}

// HTTP/1.1 servers on pipes; every connection is counted, so tests see which are closed.
class PipeServer {
 public:
  PipeServer(World& world, FunctionHandler::Function function)
      : world_(world), handler_(std::move(function)), group_(world.loop) {}
  ~PipeServer() {
    for (const auto& server : servers_) {
      server->close();
    }
    world_.loop.run_until_done(group_.join());
  }

  net::StreamPtr connect() {
    auto [mine, theirs] = net::make_pipe(world_.loop);
    servers_.push_back(http::H1Server::create(std::move(theirs), {}, handler_));
    group_.spawn(serve(std::prev(servers_.end())));
    ++connections;
    return std::move(mine);
  }
  std::size_t open() const { return servers_.size(); }
  int connections = 0;

 private:
  io::Task<void> serve(std::list<std::unique_ptr<http::H1Server>>::iterator server) {
    co_await (*server)->run();
    servers_.erase(server);
  }
  World& world_;
  FunctionHandler handler_;
  std::list<std::unique_ptr<http::H1Server>> servers_;
  io::TaskGroup group_;
};

// An API server behind a link, as the Agent has it.
class PipeApiServer final : public ApiServerLink {
 public:
  PipeApiServer(World& world, FunctionHandler::Function function)
      : world_(world),
        server(world, std::move(function)),
        pool_(http::ClientPool::create(world.loop,
                                       [this](std::vector<std::string> alpn, Deadline deadline) {
                                         return dial(std::move(alpn), deadline);
                                       })) {}
  ~PipeApiServer() override { world_.loop.run_until_done(pool_->close()); }

  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                 bool long_running, Deadline deadline) override {
    head.authority = "api.test";
    head.headers.add("authorization", "Bearer agent");
    co_return co_await pool_->open(
        std::move(head), end, long_running ? http::RequestClass::Watch : http::RequestClass::Short,
        deadline);
  }
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                         Deadline deadline) override {
    head.authority = "api.test";
    head.headers.add("authorization", "Bearer agent");
    co_return co_await pool_->open_upgrade(std::move(head), deadline);
  }
  void credential_refused() override { ++refusals; }

 private:
  io::Task<Result<net::StreamPtr>> dial(std::vector<std::string>, Deadline) {
    if (!reachable) {
      co_return Error(ErrorKind::Unavailable, "connect api.test: connection refused");
    }
    co_return server.connect();
  }
  World& world_;

 public:
  PipeServer server;
  bool reachable = true;
  int refusals = 0;

 private:
  std::unique_ptr<http::ClientPool> pool_;
};

inline Credentials test_credentials(TestCa& hub_ca, TestCa& user_ca) {
  Credentials c;
  c.hub = "hub.test:8443";
  c.cluster = "ack";
  c.cluster_uid = kClusterUid;
  c.hub_roots_pem = hub_ca.pem();
  c.user_roots_pem = user_ca.pem();
  c.version = "1";
  return c;
}

inline void enrol_by_hand(Credentials& c, TestCa& hub_ca, Duration life = std::chrono::hours(168)) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  c.private_key_pem = key.pem();
  c.certificate_pem =
      hub_ca.issue(key.public_key(), {"cluster", "ack", std::string(kClusterUid)}, {}, life).pem();
}

}  // namespace roadstead::agent
