// SPDX-License-Identifier: Apache-2.0
// Users' requests through a lane: a hub's HTTP/2 client, LaneServer and Forwarder, an API server.
#include "agent/lane.h"

#include <gtest/gtest.h>

#include <limits>

#include "agent/pipe_hub_test_support.h"

namespace roadstead::agent {
namespace {

struct Seen {
  http::RequestHead head;
  std::string body;
};

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  bool failed = false;
  bool not_processed = false;

  std::string header(std::string_view name) const {
    const std::string* value = headers.find(name);
    return value != nullptr ? *value : "";
  }
};

class LaneTest : public ::testing::Test, public LaneObserver {
 protected:
  LaneTest() {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    enrol_by_hand(c, hub_ca_);
    auto identity = HubIdentity::make(c, std::nullopt);
    CHECK(identity.ok(), identity.ok() ? "" : identity.error().message());
    trust_ = (*identity)->trust;
    lane_ = std::make_unique<Lane>(environment_, *this, *identity, trust_, "primary", 1);
    group_.spawn(run());
    world_.settle();
    hub_.lanes.at(0)->say_hello();
    world_.settle();
  }
  ~LaneTest() override {
    lane_->close();
    world_.loop.run_until_done(group_.join());
    hub_.lanes.clear();
  }

  tunnel::Hello hello(const Lane& lane) override {
    tunnel::Hello hello;
    hello.replica = "pod-1";
    hello.lane_purpose = lane.purpose();
    return hello;
  }
  tunnel::ApiServerReport report() override { return {}; }
  void on_lane_ready(Lane&) override { ++ready_; }
  void on_lane_message(Lane&, const codec::json::object& message) override {
    others_.push_back(message);
  }

  io::Task<void> run() { ended_ = co_await lane_->run(); }

  io::Task<void> serve_api(http::ServerExchange& exchange) {
    Seen seen{exchange.request(), {}};
    if (!exchange.request_ended() && !upgrade_asked(exchange.request())) {
      auto body = co_await http::read_whole(exchange, 1 << 20);
      seen.body = body.ok() ? *body : "failed";
    }
    seen_.push_back(std::move(seen));
    if (api_) {
      co_await api_(exchange);
    } else {
      co_await reply(exchange, 200, "hello");
    }
  }
  static bool upgrade_asked(const http::RequestHead& head) { return head.headers.has("upgrade"); }

  // Opens a context for the user, as the Stub does; gives the answer's status and the field.
  int admit(const crypto::Certificate& user, std::uint64_t number, std::string* field,
            std::string_view audience = kClusterUid) {
    auto context = tunnel::make_context(number, {user}, audience, {});
    CHECK(context.ok(), "context");
    *field = context->field_value();
    http::RequestHead head;
    head.method = "POST";
    head.scheme = tunnel::kControlScheme;
    head.authority = tunnel::kAuthority;
    head.target = tunnel::kIdentityPath;
    return send(std::move(head), codec::write_json(context->to_json())).status;
  }
  http::RequestHead request(std::string method, std::string target, http::Headers headers = {}) {
    http::RequestHead head;
    head.method = std::move(method);
    head.scheme = tunnel::kUserScheme;
    head.authority = tunnel::kAuthority;
    head.target = std::move(target);
    head.headers = std::move(headers);
    if (!field_.empty()) {
      head.headers.add("rs-identity", field_);
    }
    return head;
  }
  void be(std::string login, std::vector<std::string> organizations = {}) {
    ASSERT_EQ(admit(user_ca_.user(std::move(login), std::move(organizations)), ++number_, &field_),
              200);
  }

  Answer send(http::RequestHead head, std::string body = {}) {
    Answer answer;
    world_.loop.run_until_done(converse(std::move(head), std::move(body), answer),
                               std::chrono::minutes(2));
    return answer;
  }
  io::Task<void> converse(http::RequestHead head, std::string body, Answer& answer) {
    const bool end = body.empty() && head.method != "CONNECT";
    auto opened = hub_.lanes.front()->session().open(std::move(head), end);
    CHECK(opened.ok(), "open");
    if (!body.empty()) {
      static_cast<void>(co_await (*opened)->write(body));
      static_cast<void>(co_await (*opened)->finish());
    }
    auto response = co_await (*opened)->response();
    answer.failed = !response.ok();
    answer.not_processed = (*opened)->not_processed();
    if (!response.ok()) {
      co_return;
    }
    answer.status = response->status;
    answer.headers = response->headers;
    auto text = co_await http::read_whole(**opened, 1 << 20);
    answer.failed = !text.ok();
    answer.body = text.ok() ? *text : text.error().message();
  }

  World world_;
  TestCa hub_ca_{world_, "hub"};
  TestCa user_ca_{world_, "users"};
  std::vector<Seen> seen_;
  std::function<io::Task<void>(http::ServerExchange&)> api_;
  PipeApiServer api_server_{world_, [this](http::ServerExchange& e) { return serve_api(e); }};
  PipeHub hub_{world_, [](http::ServerExchange& e) { return reply(e, 404, ""); }};
  UserUpstream upstream_{api_server_};
  Forwarder forwarder_{upstream_, world_.clock, world_.metrics, {}};
  http::BufferBudget buffers_{1 << 20};
  LaneEnvironment environment_{world_.loop, hub_, forwarder_, buffers_, {}, {}};
  std::shared_ptr<const PinnedTrust> trust_;
  std::unique_ptr<Lane> lane_;
  io::TaskGroup group_{world_.loop};
  std::optional<Result<void>> ended_;
  int ready_ = 0;
  std::vector<codec::json::object> others_;
  std::string field_;
  std::uint64_t number_ = 0;
};

TEST_F(LaneTest, SaysHelloBothWaysAndIsReady) {
  EXPECT_EQ(ready_, 1);
  EXPECT_TRUE(lane_->takes_requests());
  ASSERT_EQ(hub_.lanes[0]->messages("hello").size(), 1U);
  EXPECT_EQ(hub_.lanes[0]->messages("hello")[0].at("replica"), "pod-1");
  EXPECT_EQ(hub_.lanes[0]->messages("apiserver").size(), 1U);
  hub_.lanes[0]->send({{"type", "something-new"}});
  ASSERT_EQ(others_.size(), 1U);
  EXPECT_TRUE(lane_->takes_requests());
}

TEST_F(LaneTest, ForwardsAGetAsThePerson) {
  be("ann", {"dev:bbbbbbbb-0000-4000-8000-000000000003"});
  http::Headers headers;
  headers.add("accept", "application/json");
  headers.add("audit-id", "7d1e0000-0000-4000-8000-00000000000a");
  headers.add("authorization", "Bearer stolen");
  headers.add("cookie", "a=b");
  const Answer answer = send(request("GET", "/api/v1/pods?limit=2", headers));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  ASSERT_EQ(seen_.size(), 1U);
  const http::RequestHead& up = seen_[0].head;
  EXPECT_EQ(up.method, "GET");
  EXPECT_EQ(up.target, "/api/v1/pods?limit=2");
  EXPECT_EQ(*up.headers.find("impersonate-user"), "rs:ann:aaaaaaaa");
  EXPECT_EQ(*up.headers.find("impersonate-group"), "rs:group:dev:bbbbbbbb");
  EXPECT_EQ(*up.headers.find("impersonate-extra-roadstead.io%2frequest-id"),
            "7d1e0000-0000-4000-8000-00000000000a");
  EXPECT_EQ(*up.headers.find("audit-id"), "7d1e0000-0000-4000-8000-00000000000a");
  EXPECT_EQ(up.headers.count("authorization"), 1U);
  EXPECT_EQ(*up.headers.find("authorization"), "Bearer agent");
  EXPECT_FALSE(up.headers.has("cookie"));
  EXPECT_FALSE(up.headers.has("rs-identity"));
  EXPECT_EQ(world_.metrics.answered.value(), 1U);
}

TEST_F(LaneTest, CarriesABody) {
  be("ann");
  const Answer answer = send(request("POST", "/api/v1/namespaces"), std::string(200'000, 'x'));
  EXPECT_EQ(answer.status, 200);
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0].body.size(), 200'000U);
}

TEST_F(LaneTest, SendsNothingWithoutAnIdentity) {
  for (const char* field : {"", "0000000000000001.0123456789abcdef", "nonsense"}) {
    field_ = field;
    const Answer answer = send(request("GET", "/api"));
    EXPECT_EQ(answer.status, 502);
    EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorUnknownIdentity);
  }
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(world_.metrics.refused.value(), 3U);
}

TEST_F(LaneTest, RefusesIdentitiesOfStrangersOtherClustersAndOtherPeople) {
  std::string field;
  TestCa other(world_, "another hub's users");
  EXPECT_EQ(admit(other.user("ann"), 1, &field), 401);
  EXPECT_EQ(admit(user_ca_.user("ann"), 2, &field, "3f0c1c0e-0000-4000-8000-00000000ffff"), 401);
  const auto agent = user_ca_.issue(crypto::PrivateKey::generate_p256().public_key(),
                                    {"cluster", "ack", std::string(kClusterUid)});
  EXPECT_FALSE(tunnel::make_context(3, {agent}, kClusterUid, {}).ok());
  EXPECT_EQ(admit(user_ca_.user("ann"), 4, &field), 200);
  EXPECT_EQ(admit(user_ca_.user("bob"), 4, &field), 401) << "a number means one person only";
}

TEST_F(LaneTest, RefusesIdentitiesThatLiveTooLong) {
  const crypto::Certificate ann = user_ca_.user("ann");
  for (const std::int64_t seconds :
       {std::int64_t{61}, std::int64_t{0}, std::int64_t{-1}, std::int64_t{18'446'744'074},
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    auto context = tunnel::make_context(++number_, {ann}, kClusterUid, {});
    ASSERT_TRUE(context.ok());
    context->lifetime_seconds = seconds;
    http::RequestHead head;
    head.method = "POST";
    head.scheme = tunnel::kControlScheme;
    head.authority = tunnel::kAuthority;
    head.target = tunnel::kIdentityPath;
    EXPECT_EQ(send(std::move(head), codec::write_json(context->to_json())).status, 401) << seconds;
  }
}

TEST_F(LaneTest, RefusesWhomTheClusterDenies) {
  lane_->close();
  world_.settle();
  environment_.rules.denied_user_prefixes.emplace_back("rs:eve:");
  Credentials c = test_credentials(hub_ca_, user_ca_);
  enrol_by_hand(c, hub_ca_);
  lane_ = std::make_unique<Lane>(environment_, *this, *HubIdentity::make(c, std::nullopt), trust_,
                                 "primary", 2);
  group_.spawn(run());
  world_.settle();
  hub_.lanes.erase(hub_.lanes.begin());
  hub_.lanes.at(0)->say_hello();
  std::string field;
  EXPECT_EQ(admit(user_ca_.user("eve"), 1, &field), 403);
  EXPECT_EQ(admit(user_ca_.user("ann"), 2, &field), 200);
}

TEST_F(LaneTest, ImpersonationInAnySpellingIsRefused) {
  be("ann");
  for (const char* name :
       {"impersonate-user", "impersonate-group", "impersonate-uid", "impersonate_user",
        "impersonate-extra-scopes", "impersonate-new-kind"}) {
    http::Headers headers;
    headers.add(name, "system:admin");
    const Answer answer = send(request("GET", "/api", headers));
    EXPECT_EQ(answer.status, 502) << name;
    EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorRefusedRequest) << name;
  }
  EXPECT_TRUE(seen_.empty());
}

TEST(UpstreamHead, WhatConnectionNamesGoesFirstAndIdentityIsBuiltLast) {
  IdentityTable::Identity identity{"rs:ann:aaaaaaaa", {"rs:group:dev:bbbbbbbb"}, ""};
  http::RequestHead head;
  head.method = "GET";
  head.target = "/api";
  head.headers.add("connection", "x-private, audit-id");
  head.headers.add("x-private", "1");
  head.headers.add("x-remote-user", "admin");
  const auto built = build_upstream_head(head, identity);
  ASSERT_TRUE(built.ok());
  EXPECT_FALSE(built->headers.has("x-private"));
  EXPECT_FALSE(built->headers.has("x-remote-user"));
  EXPECT_EQ(built->headers.count("impersonate-user"), 1U);

  http::RequestHead smuggler = head;
  smuggler.headers.set("connection", "keep-alive, Impersonate-User");
  EXPECT_EQ(build_upstream_head(smuggler, identity).error().kind(), ErrorKind::InvalidArgument);
  for (const char* bad : {"", "a\r\nimpersonate-group: system:masters", "a\n", "a\0b"}) {
    EXPECT_FALSE(build_upstream_head(head, {std::string(bad, bad[0] == 'a' ? 3 : 0), {}, ""}).ok());
    EXPECT_FALSE(build_upstream_head(head, {"rs:ann:aaaaaaaa", {std::string(bad, 0)}, ""}).ok());
  }
}

TEST_F(LaneTest, AUserUpstreamSendsNobodysRequests) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/api/v1/secrets";
  Result<http::ClientExchangePtr> result = Error(ErrorKind::Internal, "");
  const auto try_it = [&](http::RequestHead h) -> io::Task<void> {
    result = co_await upstream_.open(std::move(h), true, false, Deadline::never());
  };
  world_.loop.run_until_done(try_it(head));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::PermissionDenied);
  head.headers.add("impersonate-user", "a");
  head.headers.add("impersonate-user", "b");
  world_.loop.run_until_done(try_it(head));
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(api_server_.server.connections, 0);
}

TEST_F(LaneTest, TellsItsOwn401Apart) {
  be("ann");
  api_ = [](http::ServerExchange& e) { return reply(e, 401, "Unauthorized"); };
  const Answer answer = send(request("GET", "/api"));
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorCredential);
  EXPECT_EQ(api_server_.refusals, 1);
}

TEST_F(LaneTest, PassesThe403OfTheCluster) {
  be("ann");
  api_ = [](http::ServerExchange& e) { return reply(e, 403, "pods is forbidden"); };
  const Answer answer = send(request("GET", "/api/v1/pods"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "pods is forbidden");
  EXPECT_FALSE(answer.headers.has("rs-error"));
}

TEST_F(LaneTest, RefusesRedirectsToOtherHosts) {
  be("ann");
  for (const char* where : {"https://169.254.169.254/", "//evil.test/", "/\\evil.test"}) {
    api_ = [where](http::ServerExchange& e) {
      http::Headers headers;
      headers.add("location", where);
      return reply(e, 302, "moved", headers);
    };
    const Answer answer = send(request("GET", "/api"));
    EXPECT_EQ(answer.status, 502) << where;
    EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorFailed);
  }
  api_ = [](http::ServerExchange& e) {
    http::Headers headers;
    headers.add("location", "/api/v1/");
    return reply(e, 301, "moved", headers);
  };
  EXPECT_EQ(send(request("GET", "/api/v1")).status, 301);
}

TEST_F(LaneTest, SaysThatAnUnreachedApiServerProcessedNothing) {
  be("ann");
  api_server_.reachable = false;
  const Answer answer = send(request("POST", "/api/v1/pods"), "{}");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorUnreachable);
  EXPECT_EQ(world_.metrics.unreachable.value(), 1U);
}

TEST_F(LaneTest, StripsWhatAMemberMustNotSetInABrowser) {
  be("ann");
  api_ = [](http::ServerExchange& e) {
    http::Headers headers;
    headers.add("set-cookie", "a=b");
    headers.add("rs-upgraded", "1");
    headers.add("x-kubernetes-pf-flowschema-uid", "kept");
    return reply(e, 200, "<script>", headers);
  };
  const Answer answer = send(request("GET", "/"));
  EXPECT_FALSE(answer.headers.has("set-cookie"));
  EXPECT_FALSE(answer.headers.has("rs-upgraded"));
  EXPECT_EQ(answer.header("x-kubernetes-pf-flowschema-uid"), "kept");
}

class UpgradeTest : public LaneTest {
 protected:
  http::RequestHead upgrade() {
    http::RequestHead head = request("CONNECT", "/api/v1/namespaces/a/pods/b/exec?command=sh");
    head.protocol = "spdy/3.1";
    head.headers.add("rs-method", "POST");
    return head;
  }
  static io::Task<void> echo(http::ServerExchange& exchange) {
    http::ResponseHead head;
    head.status = 101;
    head.headers.add("connection", "Upgrade");
    head.headers.add("upgrade", "SPDY/3.1");
    if ((co_await exchange.respond(std::move(head))).ok()) {
      static_cast<void>(co_await http::relay(exchange, exchange));
    }
  }
};

TEST_F(UpgradeTest, CarriesBytesBothWaysAfter101) {
  be("ann");
  api_ = echo;
  const Answer answer = send(upgrade(), "some bytes");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("rs-upgraded"), "1");
  EXPECT_EQ(answer.body, "some bytes");
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0].head.method, "POST");
  EXPECT_EQ(*seen_[0].head.headers.find("upgrade"), "SPDY/3.1");
  EXPECT_EQ(*seen_[0].head.headers.find("impersonate-user"), "rs:ann:aaaaaaaa");
}

TEST_F(UpgradeTest, AFailedUpgradeNeverBecomesASecondRequest) {
  be("ann");
  api_ = [](http::ServerExchange& e) { return reply(e, 403, "no exec for you"); };
  // What follows a refused upgrade is what a smuggler would send with the Agent's own rights.
  const Answer answer = send(upgrade(), "GET /api/v1/secrets HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "no exec for you");
  world_.settle();
  EXPECT_EQ(seen_.size(), 1U);
  EXPECT_EQ(api_server_.server.open(), 0U) << "the connection was closed";
  api_ = nullptr;
  EXPECT_EQ(send(request("GET", "/api")).status, 200);
  EXPECT_EQ(api_server_.server.connections, 2);
}

TEST_F(UpgradeTest, RefusesASwitchToAnotherProtocol) {
  be("ann");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  for (const Fields& fields : {Fields{{"connection", "Upgrade"}, {"upgrade", "h2c"}},
                               Fields{{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1, h2c"}},
                               Fields{{"upgrade", "SPDY/3.1"}}}) {
    api_ = [&fields](http::ServerExchange& e) {
      http::Headers headers;
      for (const auto& [name, value] : fields) {
        headers.add(name, value);
      }
      return reply(e, 101, "", headers);
    };
    const Answer answer = send(upgrade(), "GET /api/v1/secrets HTTP/1.1\r\nhost: a\r\n\r\n");
    EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorFailed);
    EXPECT_NE(answer.header("rs-upgraded"), "1");
  }
}

TEST_F(UpgradeTest, RefusesARedirectOfAnUpgrade) {
  be("ann");
  api_ = [](http::ServerExchange& e) {
    http::Headers headers;
    headers.add("location", "/elsewhere");
    return reply(e, 302, "", headers);
  };
  EXPECT_EQ(send(upgrade()).header("rs-error"), tunnel::kErrorFailed);
}

TEST_F(UpgradeTest, RefusesAnUpgradeToSomethingElse) {
  be("ann");
  http::RequestHead head = upgrade();
  head.protocol = "h2c";
  EXPECT_EQ(send(std::move(head)).header("rs-error"), tunnel::kErrorRefusedRequest);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(UpgradeTest, RefusesAnUpgradeWithoutItsMethod) {
  be("ann");
  http::RequestHead head = upgrade();
  head.headers.remove("rs-method");
  EXPECT_EQ(send(std::move(head)).header("rs-error"), tunnel::kErrorRefusedRequest);
}

class WatchTest : public LaneTest {
 protected:
  io::Task<void> watch() {
    auto opened = hub_.lanes.front()->session().open(
        request("GET", "/api/v1/pods?watch=true&resourceVersion=1"), true);
    CHECK(opened.ok(), "open");
    auto response = co_await (*opened)->response();
    started_ = response.ok() && response->status == 200;
    for (;;) {
      auto chunk = co_await (*opened)->read();
      if (!chunk.ok() || chunk->empty()) {
        break;
      }
      received_ += *chunk;
    }
    over_ = true;
  }
  static io::Task<void> one_event_then_silence(http::ServerExchange& exchange) {
    if ((co_await exchange.respond({.status = 200, .headers = {}})).ok()) {
      static_cast<void>(co_await exchange.write("{\"type\":\"ADDED\"}\n"));
      static_cast<void>(co_await exchange.read());
      // Ends when the Agent hangs up.
      io::Event aborted(exchange.executor());
      const http::AbortHook hook(exchange, [&aborted] { aborted.set(); });
      co_await aborted.wait();
    }
  }
  void start() {
    be("ann");
    api_ = one_event_then_silence;
    watching_.spawn(watch());
    world_.settle();
    ASSERT_TRUE(started_);
    ASSERT_EQ(received_, "{\"type\":\"ADDED\"}\n");
    ASSERT_FALSE(over_);
  }
  void TearDown() override { world_.loop.run_until_done(watching_.join()); }

  io::TaskGroup watching_{world_.loop};
  bool started_ = false;
  bool over_ = false;
  std::string received_;
};

TEST_F(WatchTest, EndsWhenTheIdentityIsRevoked) {
  start();
  hub_.lanes[0]->send({{"type", "revoke"}, {"ids", {static_cast<std::int64_t>(number_)}}});
  EXPECT_TRUE(over_);
  EXPECT_EQ(send(request("GET", "/api")).header("rs-error"), tunnel::kErrorUnknownIdentity);
}

TEST_F(WatchTest, EndsWhenTheIdentityIsNotRenewed) {
  start();
  for (int i = 0; i < 64; ++i) {
    world_.run_for(std::chrono::seconds(1));
    lane_->tick();
  }
  world_.settle();
  EXPECT_FALSE(over_);
  world_.run_for(std::chrono::seconds(2));
  lane_->tick();
  world_.settle();
  EXPECT_TRUE(over_);
}

TEST_F(WatchTest, EndsWhenTheAgentDrains) {
  start();
  forwarder_.end_watches();
  world_.settle();
  EXPECT_TRUE(over_);
  EXPECT_EQ(api_server_.server.open(), 0U);
}

TEST_F(WatchTest, EndsUpstreamWhenTheUserLeaves) {
  start();
  hub_.lanes[0]->session().close();
  world_.settle();
  EXPECT_TRUE(over_);
  EXPECT_EQ(api_server_.server.open(), 0U);
}

}  // namespace
}  // namespace roadstead::agent
