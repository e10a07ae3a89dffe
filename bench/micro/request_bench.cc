// SPDX-License-Identifier: Apache-2.0
// What a request into a member costs in our own code: a user's connection, Stub, lane, Agent and a
// connection to the API server, all HTTP/2 on one thread over in-memory pipes, without TLS and
// without system calls but those for audit lines. The user's and the API server's ends are in the
// figure too, and the same before and after a change. Instructions are what to compare:
//
//   valgrind --tool=callgrind --collect-jumps=no build/release/bench/request_bench --requests 2000
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "agent/forwarder.h"
#include "agent/lane_server.h"
#include "agent/metrics.h"
#include "audit/sink.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/key.h"
#include "http/h2_session.h"
#include "identity/directory.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/pipe.h"
#include "stub/stub_shard.h"

namespace roadstead {
namespace {

constexpr const char* kClusterUid = "00000000-0000-4000-8000-00000000c1c1";
constexpr const char* kUserUid = "00000000-0000-4000-8000-0000000a0a0a";
constexpr std::size_t kPipe = 1 << 20;

// Answers as an API server answers `kubectl get` of one small object.
class ApiServer final : public http::Handler {
 public:
  io::Task<void> handle(http::ServerExchange& exchange) override {
    http::ResponseHead head{200, {}};
    const std::string* audit_id = exchange.request().headers.find("audit-id");
    head.headers.add("audit-id", audit_id != nullptr ? *audit_id : "");
    head.headers.add("cache-control", "no-cache, private");
    head.headers.add("content-type", "application/json");
    head.headers.add("x-kubernetes-pf-flowschema-uid", "3f2f6f0e-6f0b-4d0e-8b43-5a4b3f0d9a11");
    head.headers.add("x-kubernetes-pf-prioritylevel-uid", "9c0e9a51-2f3a-4c4b-9d5f-0d5a7d4c2b10");
    head.headers.add("date", "Sun, 22 Nov 2026 11:33:32 GMT");
    head.headers.add("content-length", std::to_string(body_.size()));
    static_cast<void>(co_await exchange.respond(std::move(head)));
    static_cast<void>(co_await exchange.write(body_));
    static_cast<void>(co_await exchange.finish());
  }

 private:
  std::string body_ = std::string(600, 'b');
};

class Upstream final : public agent::Upstream {
 public:
  explicit Upstream(http::H2Session& session) : session_(session) {}
  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end, bool,
                                                 Deadline) override {
    head.authority = "10.0.0.1:443";
    head.headers.add(token_);
    co_return session_.open(std::move(head), end);
  }
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead, Deadline) override {
    co_return Error(ErrorKind::Unsupported, "no upgrades here");
  }
  void credential_refused() override {}

 private:
  http::H2Session& session_;
  // As PooledApiServer makes it: as long as a service account's, indexed, looked at once.
  http::Header token_{"authorization", "Bearer " + std::string(900, 't'), false, true, true};
};

class QuietAgent final : public agent::LaneEvents {
 public:
  tunnel::Hello hello() override {
    tunnel::Hello hello;
    hello.replica = "agent";
    return hello;
  }
  tunnel::ApiServerReport report() override { return {}; }
  void on_hub_hello(const tunnel::Hello&) override {}
  void on_message(const codec::json::object&) override {}
  void on_ready() override {}
};

class QuietHub final : public stub::StubEvents {
 public:
  void on_lane_up(const stub::LaneSummary&) override { ++lanes; }
  void on_lane_down(const stub::LaneSummary&) override {}
  void on_report(const stub::LaneSummary&, const tunnel::ApiServerReport&) override {}
  void on_message(const stub::LaneSummary&, const codec::json::object&,
                  UniqueFunction<void(codec::json::object)>) override {}
  int lanes = 0;
};

struct People {
  People(const Clock& clock, Random& random) : directory(clock) {
    const crypto::PrivateKey ca_key = crypto::PrivateKey::generate_p256();
    crypto::CertificateTemplate ca;
    ca.common_name = "users";
    ca.not_before = clock.wall() - std::chrono::hours(1);
    ca.not_after = clock.wall() + std::chrono::hours(1);
    ca.ca = true;
    const auto root = crypto::issue_self_signed(ca, ca_key, random).value();
    crypto::CertificateTemplate person = ca;
    person.common_name = "ann";
    person.ca = false;
    person.client_auth = true;
    person.uris = {tunnel::subject_uri({"user", "ann", kUserUid})};
    const auto key = crypto::PrivateKey::generate_p256().public_key();
    const auto certificate = crypto::issue(person, key, root, ca_key, random).value();
    auto snapshot = std::make_shared<identity::Snapshot>();
    snapshot->user_roots = {root};
    snapshot->serials = {certificate.serial_hex()};
    snapshot->users["ann"] = {"ann", kUserUid, false, false, {}};
    directory.replace(snapshot);
    const std::vector<std::string> chain{certificate.der()};
    ann = directory.authenticate(chain).value();
    trust = std::make_shared<agent::PinnedTrust>(agent::PinnedTrust{{root}, kClusterUid});
  }
  identity::Directory directory;
  identity::PrincipalPtr ann;
  std::shared_ptr<const agent::PinnedTrust> trust;
};

class World final : public http::Handler {
 public:
  explicit World(int audit_fd)
      : audit_lines_(audit_fd, {}, [](std::uint64_t) { return std::string(); }),
        audit_(audit::make_log_audit_sink(telemetry::LogFormat::Text, clock_, audit_lines_,
                                          metrics_.counter("lost", ""))),
        proxy_(clock_, random_, *audit_,
               {metrics_.counter("requests", ""), metrics_.counter("retries", ""),
                metrics_.counter("failures", ""), metrics_.counter("throttled", "")}),
        stubs_(shard_, {}, people_.directory, proxy_, hub_events_, {}) {
    auto [to_server, server_end] = net::make_pipe(shard_, kPipe);
    origin_ = serve(std::move(server_end), api_server_);
    origin_client_ = connect(std::move(to_server));
    upstream_ = std::make_unique<Upstream>(*origin_client_);
    forwarder_.emplace(*upstream_, clock_, agent_metrics_, telemetry::Logger());
    lane_server_.emplace(shard_, clock_, *forwarder_, people_.trust, agent::LocalRules{},
                         agent_events_, std::array<std::byte, 32>{}, telemetry::Logger());
    auto [hub_end, agent_end] = net::make_pipe(shard_, kPipe);
    http::H2Options lane;
    lane.enable_connect_protocol = true;
    lane.max_concurrent_streams = 1000;
    lane_ = http::H2Session::create(std::move(agent_end), http::H2Session::Role::Server, lane,
                                    &*lane_server_);
    tasks_.spawn(run(*lane_));
    tasks_.spawn(
        stubs_.serve_lane(std::move(hub_end), {"ack", kClusterUid, "pipe", "01", {}, false}));
    auto [user, hub] = net::make_pipe(shard_, kPipe);
    port_ = serve(std::move(hub), *this);
    user_ = connect(std::move(user));
  }
  ~World() override {
    user_->close();
    port_->close();
    stubs_.close();
    lane_->close();
    origin_client_->close();
    origin_->close();
    shard_.run_until_done(tasks_.join());
  }

  io::Task<void> handle(http::ServerExchange& exchange) override {
    co_await stubs_.serve_request(exchange, "ack", people_.ann, exchange.request().target);
  }

  void fetch(int clients, int each) { shard_.run_until_done(fetch_all(clients, each)); }
  std::size_t answered() const { return answered_; }
  void wait_for_lane() { shard_.run_until_done(until_lane()); }

 private:
  static io::Task<void> run(http::H2Session& session) { static_cast<void>(co_await session.run()); }
  std::unique_ptr<http::H2Session> serve(net::StreamPtr stream, http::Handler& handler) {
    auto session =
        http::H2Session::create(std::move(stream), http::H2Session::Role::Server, {}, &handler);
    tasks_.spawn(run(*session));
    return session;
  }
  std::unique_ptr<http::H2Session> connect(net::StreamPtr stream) {
    auto session =
        http::H2Session::create(std::move(stream), http::H2Session::Role::Client, {}, nullptr);
    tasks_.spawn(run(*session));
    return session;
  }
  io::Task<void> until_lane() {
    while (hub_events_.lanes == 0) {
      co_await shard_.yield();
    }
  }
  io::Task<void> fetch_one() {
    http::RequestHead head;
    head.method = "GET";
    head.authority = "ack.clusters.roadstead.internal";
    head.target = "/api/v1/namespaces/default/configmaps/settings";
    head.headers.add("accept", "application/json");
    head.headers.add("accept-encoding", "gzip");
    head.headers.add("user-agent", "kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0");
    head.headers.add("kubectl-command", "kubectl get");
    head.headers.add("kubectl-session", "5d4f0a0e-1c7d-4f5b-9a53-7c7f6a1f0d00");
    auto exchange = user_->open(head, true).value();
    const auto response = co_await exchange->response();
    std::size_t size = 0;
    for (;;) {
      const auto piece = co_await exchange->read();
      if (!piece.ok() || piece->empty()) {
        break;
      }
      size += piece->size();
    }
    if (response.ok() && response->status == 200 && size == 600) {
      ++answered_;
    }
  }
  io::Task<void> fetch_some(int count) {
    for (int i = 0; i < count; ++i) {
      co_await fetch_one();
    }
  }
  io::Task<void> fetch_all(int clients, int each) {
    io::TaskGroup group(shard_);
    for (int i = 0; i < clients; ++i) {
      group.spawn(fetch_some(each));
    }
    co_await group.join();
  }

  SystemClock clock_;
  SystemRandom random_;
  io::Shard shard_{clock_};
  io::TaskGroup tasks_{shard_};
  People people_{clock_, random_};
  telemetry::MetricRegistry metrics_;
  agent::AgentMetrics agent_metrics_{metrics_};
  io::BatchWriter audit_lines_;
  std::unique_ptr<audit::AuditSink> audit_;
  stub::Proxy proxy_;
  QuietHub hub_events_;
  stub::StubShard stubs_;
  ApiServer api_server_;
  QuietAgent agent_events_;
  std::unique_ptr<http::H2Session> origin_;
  std::unique_ptr<http::H2Session> origin_client_;
  std::unique_ptr<Upstream> upstream_;
  std::optional<agent::Forwarder> forwarder_;
  std::optional<agent::LaneServer> lane_server_;
  std::unique_ptr<http::H2Session> lane_;
  std::unique_ptr<http::H2Session> port_;
  std::unique_ptr<http::H2Session> user_;
  std::size_t answered_ = 0;
};

}  // namespace
}  // namespace roadstead

int main(int argc, char** argv) {
  int requests = 20'000;
  int clients = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--requests") == 0) {
      requests = std::atoi(argv[i + 1]);
    } else if (std::strcmp(argv[i], "--clients") == 0) {
      clients = std::atoi(argv[i + 1]);
    }
  }
  const int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  roadstead::World world(sink);
  world.wait_for_lane();
  world.fetch(1, 1);
  const auto start = std::chrono::steady_clock::now();
  world.fetch(clients, requests / clients);
  const auto took = std::chrono::steady_clock::now() - start;
  const auto wanted = static_cast<std::size_t>(1 + requests / clients * clients);
  std::printf(
      "%zu answered, %.2f us each\n", world.answered(),
      std::chrono::duration<double, std::micro>(took).count() / (requests / clients) / clients);
  close(sink);
  return world.answered() == wanted ? 0 : 1;
}
