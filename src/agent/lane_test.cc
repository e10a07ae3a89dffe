// SPDX-License-Identifier: Apache-2.0
// Users' requests through a lane.
#include "agent/lane.h"

#include <limits>

#include "agent/lane_test_support.h"

namespace roadstead::agent {
namespace {

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

}  // namespace
}  // namespace roadstead::agent
