// SPDX-License-Identifier: Apache-2.0
#include "request_world.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
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
#include "member_api_server.h"
#include "net/pipe.h"
#include "stub/stub_shard.h"

namespace roadstead::bench {
namespace {

constexpr const char* kClusterUid = "00000000-0000-4000-8000-00000000c1c1";
constexpr const char* kUserUid = "00000000-0000-4000-8000-0000000a0a0a";
constexpr std::size_t kPipe = 1 << 20;
constexpr std::size_t kPiece = 64 * 1024;

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
  // As PooledApiServer makes it: as long as a service account's, looked at once.
  http::Header token_{"authorization", "Bearer " + std::string(900, 't'), false, true};
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

struct Sink {
  Sink() { CHECK(fd >= 0, "/dev/null does not open"); }
  ~Sink() { ::close(fd); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
};

}  // namespace

class RequestWorld::World final : public http::Handler {
 public:
  World()
      : audit_lines_(sink_.fd, {}, [](std::uint64_t) { return std::string(); }),
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

  void wait_for_lane() { shard_.run_until_done(until_lane()); }
  void fetch(int clients, int each) { shard_.run_until_done(fetch_all(clients, each)); }
  void download(std::size_t bytes) {
    api_server_.set_download_bytes(bytes);
    shard_.run_until_done(fetch_log(bytes));
  }
  void upload(std::size_t bytes) { shard_.run_until_done(write_object(bytes)); }
  void open_watches(int count) { shard_.run_until_done(watch_all(count)); }
  void send_events(int rounds) { shard_.run_until_done(emit(rounds)); }

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
  http::ClientExchangePtr ask(std::string method, std::string target, bool end) {
    http::RequestHead head;
    head.method = std::move(method);
    head.authority = "ack.clusters.roadstead.internal";
    head.target = std::move(target);
    head.headers.add("accept", "application/json");
    head.headers.add("accept-encoding", "gzip");
    head.headers.add("user-agent", "kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0");
    head.headers.add("kubectl-command", "kubectl get");
    head.headers.add("kubectl-session", "5d4f0a0e-1c7d-4f5b-9a53-7c7f6a1f0d00");
    auto opened = user_->open(std::move(head), end);
    CHECK(opened.ok(), opened.error().to_string());
    return std::move(*opened);
  }
  static io::Task<void> expect_answer(http::ClientExchange& exchange) {
    const auto response = co_await exchange.response();
    CHECK(response.ok(), response.error().to_string());
    CHECK(response->status == 200, std::to_string(response->status));
  }
  static io::Task<void> expect_body(http::ClientExchange& exchange, std::size_t bytes) {
    std::size_t size = 0;
    for (;;) {
      const auto piece = co_await exchange.read();
      CHECK(piece.ok(), piece.error().to_string());
      if (piece->empty()) {
        break;
      }
      size += piece->size();
    }
    CHECK(size == bytes, std::to_string(size));
  }
  io::Task<void> fetch_some(int count) {
    for (int i = 0; i < count; ++i) {
      const auto exchange = ask("GET", "/api/v1/namespaces/default/configmaps/settings", true);
      co_await expect_answer(*exchange);
      co_await expect_body(*exchange, kObjectBytes);
    }
  }
  io::Task<void> fetch_all(int clients, int each) {
    io::TaskGroup group(shard_);
    for (int i = 0; i < clients; ++i) {
      group.spawn(fetch_some(each));
    }
    co_await group.join();
  }
  io::Task<void> fetch_log(std::size_t bytes) {
    const auto exchange = ask("GET", "/api/v1/namespaces/default/pods/one/log", true);
    co_await expect_answer(*exchange);
    co_await expect_body(*exchange, bytes);
  }
  io::Task<void> write_object(std::size_t bytes) {
    const auto exchange = ask("POST", "/api/v1/namespaces/default/configmaps", false);
    for (std::size_t left = bytes; left > 0;) {
      const std::size_t size = std::min(left, piece_.size());
      const auto written = co_await exchange->write(std::string_view(piece_).substr(0, size));
      CHECK(written.ok(), written.error().to_string());
      left -= size;
    }
    const auto finished = co_await exchange->finish();
    CHECK(finished.ok(), finished.error().to_string());
    co_await expect_answer(*exchange);
    co_await expect_body(*exchange, kObjectBytes);
  }
  io::Task<void> watch() {
    const auto exchange = ask("GET", "/api/v1/namespaces/default/configmaps?watch=1", true);
    co_await expect_answer(*exchange);
    ++watches_;
    moved_.pulse();
    for (;;) {
      const auto piece = co_await exchange->read();
      if (!piece.ok() || piece->empty()) {
        break;  // with the connection
      }
      event_bytes_ += piece->size();
      moved_.pulse();
    }
  }
  io::Task<void> watch_all(int count) {
    const int wanted = watches_ + count;
    for (int i = 0; i < count; ++i) {
      tasks_.spawn(watch());
    }
    while (watches_ < wanted) {
      co_await moved_.wait_next();
    }
  }
  io::Task<void> emit(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      const std::size_t wanted = event_bytes_ + static_cast<std::size_t>(watches_) * kEventBytes;
      api_server_.emit();
      while (event_bytes_ < wanted) {
        co_await moved_.wait_next();
      }
    }
  }

  FakeClock clock_;
  SystemRandom random_;
  io::Shard shard_{clock_};
  io::TaskGroup tasks_{shard_};
  People people_{clock_, random_};
  telemetry::MetricRegistry metrics_;
  agent::AgentMetrics agent_metrics_{metrics_};
  Sink sink_;
  io::BatchWriter audit_lines_;
  std::unique_ptr<audit::AuditSink> audit_;
  stub::Proxy proxy_;
  QuietHub hub_events_;
  stub::StubShard stubs_;
  MemberApiServer api_server_{shard_};
  QuietAgent agent_events_;
  std::unique_ptr<http::H2Session> origin_;
  std::unique_ptr<http::H2Session> origin_client_;
  std::unique_ptr<Upstream> upstream_;
  std::optional<agent::Forwarder> forwarder_;
  std::optional<agent::LaneServer> lane_server_;
  std::unique_ptr<http::H2Session> lane_;
  std::unique_ptr<http::H2Session> port_;
  std::unique_ptr<http::H2Session> user_;
  const std::string piece_ = std::string(kPiece, 'w');
  int watches_ = 0;              // whose first bytes may come
  std::size_t event_bytes_ = 0;  // that came, of all watches
  io::Event moved_{shard_};      // one of these two has grown
};

RequestWorld::RequestWorld() : world_(std::make_unique<World>()) {
  world_->wait_for_lane();
  world_->fetch(1, 1);
}

RequestWorld::~RequestWorld() = default;

void RequestWorld::fetch(int clients, int each) { world_->fetch(clients, each); }
void RequestWorld::download(std::size_t bytes) { world_->download(bytes); }
void RequestWorld::upload(std::size_t bytes) { world_->upload(bytes); }
void RequestWorld::open_watches(int count) { world_->open_watches(count); }
void RequestWorld::send_events(int rounds) { world_->send_events(rounds); }

}  // namespace roadstead::bench
