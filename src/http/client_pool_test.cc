// SPDX-License-Identifier: Apache-2.0
#include "http/client_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "http/h1_test_support.h"
#include "io/event.h"
#include "io/sleep.h"

namespace roadstead::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

// A TLS session that knows nothing but its protocol.
class FakeTls final : public net::TlsSession {
 public:
  explicit FakeTls(std::string alpn) : alpn_(std::move(alpn)) {}
  const std::string& alpn() const override { return alpn_; }
  const std::string& server_name() const override { return none_; }
  const std::vector<std::string>& peer_chain() const override { return chain_; }
  bool resumed() const override { return false; }
  std::string protocol() const override { return "TLSv1.3"; }
  Result<std::array<std::byte, 32>> export_keying_material(std::string_view) override {
    return Error(ErrorKind::Unsupported, "fake");
  }

 private:
  std::string alpn_;
  std::string none_;
  std::vector<std::string> chain_;
};

class FakeTlsStream final : public net::Stream {
 public:
  FakeTlsStream(net::StreamPtr inner, std::string alpn)
      : inner_(std::move(inner)), tls_(std::move(alpn)) {}
  io::Executor& executor() override { return inner_->executor(); }
  net::IoOutcome try_read(std::span<std::byte> into) override { return inner_->try_read(into); }
  net::IoOutcome try_write(std::span<const std::byte> from) override {
    return inner_->try_write(from);
  }
  const Error& last_error() const override { return inner_->last_error(); }
  io::Task<Result<void>> readable() override { return inner_->readable(); }
  io::Task<Result<void>> writable() override { return inner_->writable(); }
  io::Task<Result<void>> shutdown_write() override { return inner_->shutdown_write(); }
  void close() override { inner_->close(); }
  net::TlsSession* tls() override { return &tls_; }
  const std::string& peer_address() const override { return inner_->peer_address(); }

 private:
  net::StreamPtr inner_;
  FakeTls tls_;
};

// An origin: answers every dial with a connection that one of our servers serves. A request to
// /wait is answered when the gate opens, one to /exec is upgraded and echoed once.
class Origin final : public Handler {
 public:
  explicit Origin(World& world) : gate(world.loop), world_(world), group_(world.loop) {}
  ~Origin() override {
    gate.set();
    close_all();
    world_.settle();
  }

  ClientPool::Dial dialer() {
    return [this](std::vector<std::string> alpn, Deadline deadline) {
      return dial(std::move(alpn), deadline);
    };
  }

  io::Task<Result<net::StreamPtr>> dial(std::vector<std::string> alpn, Deadline deadline) {
    ++dials;
    offered = alpn;
    if (delay > Duration::zero()) {
      co_await io::sleep_for(world_.loop, delay);
    }
    if (failures > 0) {
      --failures;
      co_return Error(ErrorKind::Network, "refused");
    }
    if (deadline.expired(world_.clock)) {
      co_return Error(ErrorKind::DeadlineExceeded, "slow");
    }
    auto [near, far] = net::make_pipe(world_.loop);
    const bool h2 = speaks_h2 && alpn.front() == "h2";
    if (h2) {
      h2_servers.push_back(
          H2Session::create(std::move(far), H2Session::Role::Server, h2_options, this));
      group_.spawn(run_h2(*h2_servers.back()));
    } else {
      h1_servers.push_back(H1Server::create(std::move(far), {}, *this));
      group_.spawn(h1_servers.back()->run());
    }
    co_return net::StreamPtr(
        std::make_unique<FakeTlsStream>(std::move(near), h2 ? "h2" : "http/1.1"));
  }
  io::Task<void> run_h2(H2Session& session) { static_cast<void>(co_await session.run()); }

  io::Task<void> handle(ServerExchange& exchange) override {
    ++calls;
    if (exchange.request().target == "/wait") {
      co_await gate.wait();
    }
    ResponseHead head = make_response(200);
    if (exchange.request().target == "/exec") {
      head.status = 101;
      head.headers.add("upgrade", "SPDY/3.1");
      static_cast<void>(co_await exchange.respond(std::move(head)));
      const Result<std::string> bytes = co_await exchange.read();
      if (bytes.ok()) {
        static_cast<void>(co_await exchange.write(*bytes));
        static_cast<void>(co_await exchange.finish({}));
      }
      co_return;
    }
    static_cast<void>(co_await exchange.respond(std::move(head), true));
  }

  void close_all() {
    for (const auto& server : h1_servers) {
      server->close();
    }
    for (const auto& server : h2_servers) {
      server->close();
    }
  }

  io::Event gate;
  bool speaks_h2 = false;
  Duration delay = Duration::zero();
  int failures = 0;
  int dials = 0;
  int calls = 0;
  H2Options h2_options;
  std::vector<std::string> offered;
  std::deque<std::unique_ptr<H1Server>> h1_servers;
  std::deque<std::unique_ptr<H2Session>> h2_servers;

 private:
  World& world_;
  io::TaskGroup group_;
};

class ClientPoolTest : public testing::Test {
 protected:
  void start(ClientPoolOptions options = {}) {
    pool_ = ClientPool::create(world_.loop, origin_.dialer(), options);
  }
  void TearDown() override {
    origin_.gate.set();
    if (pool_ != nullptr) {
      world_.loop.run_until_done(pool_->close());
    }
    world_.settle();
    EXPECT_EQ(group_.running(), 0U);
  }

  // Opens, and ends when the whole response has been read.
  io::Task<void> fetch(std::string target, RequestClass kind, Deadline deadline) {
    Result<ClientExchangePtr> opened =
        co_await pool_->open(make_request("GET", std::move(target)), true, kind, deadline);
    if (!opened.ok()) {
      errors_.push_back(opened.error().kind());
      co_return;
    }
    const ClientExchangePtr exchange = std::move(opened).value();
    const Result<ResponseHead> head = co_await exchange->response();
    if (!head.ok()) {
      errors_.push_back(head.error().kind());
      co_return;
    }
    statuses_.push_back(head->status);
    static_cast<void>(co_await exchange->read());
  }
  void spawn(const std::string& target, RequestClass kind = RequestClass::Short,
             Deadline deadline = Deadline::never()) {
    group_.spawn(fetch(target, kind, deadline));
  }
  void spawn_many(int n, const std::string& target, RequestClass kind = RequestClass::Short) {
    for (int i = 0; i < n; ++i) {
      spawn(target, kind);
    }
    world_.settle();
  }
  std::size_t done() const { return statuses_.size(); }

  World world_;
  Origin origin_{world_};
  io::TaskGroup group_{world_.loop};
  std::unique_ptr<ClientPool> pool_;
  std::vector<int> statuses_;
  std::vector<ErrorKind> errors_;
};

TEST_F(ClientPoolTest, ReusesHttp1Connections) {
  start();
  for (int i = 0; i < 5; ++i) {
    spawn_many(1, "/");
  }
  EXPECT_EQ(done(), 5U);
  EXPECT_EQ(origin_.dials, 1);
  EXPECT_THAT(origin_.offered, ElementsAre("h2", "http/1.1"));
  EXPECT_EQ(pool_->stats().h1_idle, 1U);
  EXPECT_EQ(pool_->stats().requests, 5U);
}

TEST_F(ClientPoolTest, BoundsHttp1ConnectionsAndLetsTheRestWait) {
  start();
  spawn_many(100, "/wait");
  EXPECT_EQ(origin_.dials, 64);
  EXPECT_EQ(origin_.calls, 64);
  EXPECT_EQ(pool_->stats().waiting, 36U);
  origin_.gate.set();
  world_.settle();
  EXPECT_EQ(done(), 100U);
  EXPECT_EQ(origin_.dials, 64);
  EXPECT_EQ(pool_->stats().waiting, 0U);
}

TEST_F(ClientPoolTest, KeepsHttp1ConnectionsFreeOfWatches) {
  start();
  spawn_many(100, "/wait", RequestClass::Watch);
  EXPECT_EQ(origin_.calls, 48);
  spawn_many(1, "/");
  EXPECT_EQ(done(), 1U);
}

TEST_F(ClientPoolTest, RetriesWhenAKeptConnectionHasEnded) {
  start();
  spawn_many(1, "/");
  origin_.h1_servers.front()->close();
  world_.settle();
  spawn_many(1, "/");
  EXPECT_EQ(done(), 2U);
  EXPECT_EQ(origin_.dials, 2);
  EXPECT_EQ(pool_->stats().retries, 1U);
}

TEST_F(ClientPoolTest, ClosesIdleConnections) {
  for (const bool h2 : {false, true}) {
    origin_.speaks_h2 = h2;
    start();
    spawn_many(1, "/");
    world_.loop.run_for(seconds(89));
    EXPECT_EQ(pool_->stats().h1_connections + pool_->stats().h2_connections, 1U);
    world_.loop.run_for(seconds(60));
    EXPECT_EQ(pool_->stats().h1_connections + pool_->stats().h2_connections, 0U);
    world_.loop.run_for(seconds(150));
    EXPECT_EQ(pool_->stats().h2_draining, 0U);
    spawn_many(1, "/");
    EXPECT_TRUE(errors_.empty());
    world_.loop.run_until_done(pool_->close());
  }
  EXPECT_EQ(done(), 4U);
}

TEST_F(ClientPoolTest, OpensHttp2ConnectionsAsTheyFill) {
  origin_.speaks_h2 = true;
  start();
  spawn_many(80, "/wait");
  EXPECT_EQ(origin_.dials, 1);
  EXPECT_EQ(origin_.calls, 80);
  spawn_many(81, "/wait");
  EXPECT_EQ(origin_.dials, 3);
  EXPECT_EQ(origin_.calls, 161);
  EXPECT_EQ(pool_->stats().h2_connections, 3U);
  spawn_many(1, "/wait", RequestClass::Watch);
  EXPECT_EQ(origin_.dials, 4) << "watches have connections of their own";
  origin_.gate.set();
  world_.settle();
  EXPECT_EQ(done(), 162U);
}

TEST_F(ClientPoolTest, FillsHttp2ConnectionsToThePeersLimitWhenItMayOpenNoMore) {
  origin_.speaks_h2 = true;
  origin_.h2_options.max_concurrent_streams = 100;
  ClientPoolOptions options;
  options.max_h2_connections = 2;
  start(options);
  spawn_many(1, "/");
  spawn_many(250, "/wait");
  EXPECT_EQ(origin_.dials, 2);
  EXPECT_EQ(origin_.calls, 201);
  EXPECT_EQ(pool_->stats().waiting, 50U);
  origin_.gate.set();
  world_.settle();
  EXPECT_EQ(done(), 251U);
}

TEST_F(ClientPoolTest, LeavesConnectionsThatTheServerDrains) {
  origin_.speaks_h2 = true;
  start();
  spawn_many(1, "/wait");
  origin_.h2_servers.front()->drain();
  world_.settle();
  spawn_many(1, "/");
  EXPECT_EQ(done(), 1U);
  EXPECT_EQ(origin_.dials, 2);
  origin_.gate.set();
  world_.settle();
  EXPECT_EQ(done(), 2U);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ClientPoolTest, ABurstSharesOneDialAndItsFailure) {
  origin_.speaks_h2 = true;
  origin_.delay = milliseconds(10);
  origin_.failures = 1;
  start();
  spawn_many(50, "/");
  world_.loop.run_for(milliseconds(20));
  EXPECT_EQ(origin_.dials, 1);
  EXPECT_EQ(errors_, std::vector<ErrorKind>(50, ErrorKind::Network));
  EXPECT_EQ(pool_->stats().dial_failures, 1U);
  spawn_many(50, "/");
  world_.loop.run_for(milliseconds(20));
  EXPECT_EQ(origin_.dials, 2);
  EXPECT_EQ(done(), 50U);
}

TEST_F(ClientPoolTest, KeepsTheDeadlineOfEachRequest) {
  origin_.delay = seconds(5);
  start();
  spawn("/", RequestClass::Short, Deadline::after(world_.clock, seconds(1)));
  spawn("/", RequestClass::Short, Deadline::after(world_.clock, seconds(30)));
  world_.loop.run_for(seconds(2));
  EXPECT_THAT(errors_, ElementsAre(ErrorKind::DeadlineExceeded));
  world_.loop.run_for(seconds(10));
  EXPECT_EQ(done(), 1U);
  EXPECT_EQ(pool_->stats().refused, 1U);
}

TEST_F(ClientPoolTest, BoundsWhoWaits) {
  ClientPoolOptions options;
  options.max_h1_connections = 1;
  options.max_waiting = 3;
  start(options);
  spawn_many(1, "/wait");
  spawn_many(5, "/");
  EXPECT_EQ(errors_, std::vector<ErrorKind>(2, ErrorKind::TooManyRequests));
  origin_.gate.set();
  world_.settle();
  EXPECT_EQ(done(), 4U);
}

TEST_F(ClientPoolTest, RotationLeavesOldConnectionsToTheirExchanges) {
  for (const bool h2 : {false, true}) {
    origin_.speaks_h2 = h2;
    origin_.gate.reset();
    origin_.dials = 0;
    start();
    spawn_many(1, "/");
    spawn_many(1, "/wait");
    const int before = origin_.dials;
    pool_->rotate();
    spawn_many(1, "/");
    EXPECT_EQ(origin_.dials, before + 1);
    origin_.gate.set();
    world_.settle();
    spawn_many(1, "/");
    EXPECT_EQ(origin_.dials, before + 1);
    EXPECT_EQ(pool_->stats().h1_connections + pool_->stats().h2_connections, 1U);
    EXPECT_EQ(pool_->stats().h2_draining, 0U);
    world_.loop.run_until_done(pool_->close());
  }
  EXPECT_EQ(done(), 8U);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ClientPoolTest, ARotationDuringADialIsNotServedByOldCredentials) {
  origin_.delay = seconds(1);
  start();
  spawn_many(1, "/");
  pool_->rotate();
  world_.loop.run_for(seconds(5));
  EXPECT_EQ(origin_.dials, 2);
  EXPECT_EQ(done(), 1U);
}

TEST_F(ClientPoolTest, RotationsInARowKeepAFewDrainingConnections) {
  origin_.speaks_h2 = true;
  ClientPoolOptions options;
  options.max_draining = 3;
  start(options);
  for (int i = 0; i < 6; ++i) {
    spawn_many(1, "/wait");
    pool_->rotate();
    world_.settle();
  }
  EXPECT_EQ(pool_->stats().h2_draining, 3U);
  EXPECT_EQ(errors_.size(), 3U);
}

struct Upgrade {
  static RequestHead head(std::string target) {
    Headers headers;
    headers.add("connection", "Upgrade");
    headers.add("upgrade", "SPDY/3.1");
    return make_request("POST", std::move(target), headers);
  }
  static io::Task<void> run(ClientPool& pool, ClientExchangePtr& out, std::string& got) {
    Result<ClientExchangePtr> opened = co_await pool.open_upgrade(head("/exec"), Deadline::never());
    if (!opened.ok()) {
      got = opened.error().to_string();
      co_return;
    }
    out = std::move(opened).value();
    const Result<ResponseHead> response = co_await out->response();
    EXPECT_EQ(response->status, 101);
    EXPECT_TRUE((co_await out->write("hello")).ok());
    got = *co_await out->read();
  }
};

TEST_F(ClientPoolTest, UpgradesOnFreshConnectionsOnly) {
  origin_.speaks_h2 = true;
  ClientPoolOptions options;
  options.max_upgrades = 2;
  start(options);
  spawn_many(1, "/");
  std::vector<ClientExchangePtr> exchanges(3);
  std::vector<std::string> got(3);
  for (std::size_t i = 0; i < 3; ++i) {
    group_.spawn(Upgrade::run(*pool_, exchanges[i], got[i]));
    world_.settle();
  }
  EXPECT_THAT(origin_.offered, ElementsAre("http/1.1"));
  EXPECT_THAT(got, ElementsAre("hello", "hello", testing::StartsWith("TooManyRequests")));
  EXPECT_EQ(origin_.dials, 3);
  EXPECT_EQ(pool_->stats().upgrades, 2U);
  exchanges.clear();
  EXPECT_EQ(pool_->stats().upgrades, 0U);
  spawn_many(1, "/");
  EXPECT_EQ(origin_.dials, 3);
}

TEST_F(ClientPoolTest, ExchangesOutliveTheClosedPool) {
  for (const bool h2 : {false, true}) {
    origin_.speaks_h2 = h2;
    origin_.gate.reset();
    errors_.clear();
    start();
    spawn_many(3, "/wait");
    world_.loop.run_until_done(pool_->close());
    pool_.reset();
    world_.settle();
    EXPECT_EQ(errors_.size(), 3U);
  }
}

TEST_F(ClientPoolTest, RefusesAfterClose) {
  start();
  world_.loop.run_until_done(pool_->close());
  spawn_many(1, "/");
  EXPECT_THAT(errors_, ElementsAre(ErrorKind::Unavailable));
}

}  // namespace
}  // namespace roadstead::http
