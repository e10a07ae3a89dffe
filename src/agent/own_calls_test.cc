// SPDX-License-Identifier: Apache-2.0
// The Agent's own calls and its lease, against an API server on pipes.
#include "agent/own_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/agent_test_support.h"
#include "agent/credential_stores.h"
#include "agent/leadership.h"
#include "agent/prober.h"
#include "kube/object.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;
using std::chrono::seconds;

class OwnCallsTest : public ::testing::Test {
 protected:
  io::Task<void> serve(http::ServerExchange& exchange) {
    const http::RequestHead head = exchange.request();
    auto body = co_await http::read_whole(exchange, 1 << 20);
    requests_.push_back(head.method + " " + head.target);
    impersonated_ = impersonated_ || head.headers.has("impersonate-user");
    if (status_ != 200) {
      co_await reply(exchange, status_, kube::to_body({.code = status_, .message = "no"}));
    } else if (head.target.find("/leases/") != std::string::npos) {
      co_await serve_object(exchange, head, *body, lease_);
    } else if (head.target.find("?watch=true") != std::string::npos) {
      co_await serve_watch(exchange);
    } else if (head.target.find("/secrets/") != std::string::npos) {
      co_await serve_object(exchange, head, *body, secret_);
    } else if (head.target.find("selfsubjectaccessreviews") != std::string::npos) {
      review_ = codec::parse_json(*body).value();
      co_await reply(exchange, 201, R"({"status":{"allowed":true}})");
    } else if (head.target == "/version") {
      co_await reply(exchange, 200, R"({"gitVersion":"v1.36.3","platform":"linux/amd64"})");
    } else if (head.target == "/readyz") {
      co_await reply(exchange, 200, "ok");
    } else {
      co_await reply(exchange, 403, kube::to_body({.code = 403, .message = "forbidden"}));
    }
  }
  // Optimistic locking as an API server does it.
  io::Task<void> serve_object(http::ServerExchange& exchange, const http::RequestHead& head,
                              const std::string& body, json::value& object) {
    if (head.method == "PUT") {
      json::value next = codec::parse_json(body).value();
      if (kube::resource_version_of(next) != kube::resource_version_of(object)) {
        co_await reply(exchange, 409, kube::to_body({.code = 409, .message = "modified"}));
        co_return;
      }
      put(object, std::move(next));
    }
    co_await reply(exchange, 200, codec::write_json(object));
  }
  io::Task<void> serve_watch(http::ServerExchange& exchange) {
    if ((co_await exchange.respond({.status = 200, .headers = {}})).ok()) {
      io::Event aborted(exchange.executor());
      const http::AbortHook hook(exchange, [this, &aborted] {
        aborted.set();
        secret_changed_.pulse();
      });
      const std::string seen(kube::resource_version_of(secret_));
      while (!aborted.is_set() && kube::resource_version_of(secret_) == seen) {
        co_await secret_changed_.wait();
      }
      if (!aborted.is_set() && (co_await exchange.write("{\"type\":\"MODIFIED\"}\n")).ok()) {
        static_cast<void>(co_await exchange.finish());
      }
    }
  }
  void put(json::value& object, json::value next) {
    kube::metadata_of(next.as_object())["resourceVersion"] = std::to_string(++version_);
    object = std::move(next);
    secret_changed_.pulse();
  }
  template <class T>
  T wait(io::Task<T> task) {
    return world_.loop.wait_for(std::move(task), std::chrono::minutes(5));
  }

  World world_;
  int version_ = 10;
  json::value lease_ =
      codec::parse_json(
          R"({"kind":"Lease","metadata":{"name":"l","resourceVersion":"1"},"spec":{}})")
          .value();
  json::value secret_;
  io::Event secret_changed_{world_.loop};
  int status_ = 200;
  bool impersonated_ = false;
  json::value review_;
  std::vector<std::string> requests_;
  PipeApiServer server_{world_, [this](http::ServerExchange& e) { return serve(e); }};
  OwnCalls calls_{server_, world_.loop, {"ns", "s", "l"}};
};

TEST_F(OwnCallsTest, AskWhatTheyAreFor) {
  EXPECT_TRUE(wait(calls_.readyz()).ok());
  EXPECT_EQ(wait(calls_.version())->git_version, "v1.36.3");
  EXPECT_TRUE(*wait(calls_.may_i({"get", "", "secrets", "ns", "s"})));
  EXPECT_EQ(codec::string_at(review_, {"spec", "resourceAttributes", "name"}), "s");
  EXPECT_EQ(wait(calls_.cluster_uid()).error().kind(), ErrorKind::PermissionDenied);
  EXPECT_FALSE(impersonated_);
}

TEST_F(OwnCallsTest, ARefusedCredentialIsReadAgain) {
  status_ = 401;
  EXPECT_EQ(wait(calls_.readyz()).error().kind(), ErrorKind::Unauthenticated);
  EXPECT_EQ(server_.refusals, 1);
}

TEST_F(OwnCallsTest, TheSecretIsSavedUnderItsVersionAndWatched) {
  TestCa hub(world_, "hub");
  TestCa users(world_, "users");
  Credentials first = test_credentials(hub, users);
  first.version.clear();
  json::value object = first.to_secret(nullptr);
  object.as_object()["metadata"] = {{"name", "s"}, {"labels", {{"a", "b"}}}};
  put(secret_, std::move(object));
  SecretCredentialStore store(calls_, world_.loop);
  Credentials c = wait(store.load()).value();
  EXPECT_EQ(c.version, "11");

  std::optional<Result<Credentials>> changed;
  io::TaskGroup group(world_.loop);
  group.spawn(io::keep(store.changed(c.version), &changed));
  world_.run_for(seconds(1));
  EXPECT_FALSE(changed.has_value());
  Credentials stale = c;
  c.used_token = "u";
  const auto saved = wait(store.save(c));
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  EXPECT_EQ(codec::string_at(secret_, {"metadata", "labels", "a"}), "b");
  world_.run_for(seconds(5));
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ((*changed)->used_token, "u");
  EXPECT_EQ(wait(store.save(stale)).error().kind(), ErrorKind::Conflict);

  changed.reset();
  io::TaskGroup again(world_.loop);
  again.spawn(io::keep(store.changed(saved->version), &changed));
  world_.run_for(seconds(1));
  store.close();
  world_.loop.run_until_done(again.join());
  EXPECT_FALSE(changed->ok());
}

TEST_F(OwnCallsTest, OneReplicaHoldsTheLeaseAndTheOtherTakesItOver) {
  LeaseLeadership a(calls_, world_.loop, "a", {});
  LeaseLeadership b(calls_, world_.loop, "b", {});
  int changes = 0;
  b.on_change([&changes] { ++changes; });
  io::TaskGroup group_a(world_.loop);
  io::TaskGroup group_b(world_.loop);
  group_a.spawn(a.run());
  world_.run_for(seconds(1));
  group_b.spawn(b.run());
  world_.run_for(std::chrono::minutes(2));
  EXPECT_TRUE(a.held());
  EXPECT_FALSE(b.held());
  a.stop();
  world_.loop.run_until_done(group_a.join());
  world_.run_for(seconds(6));
  EXPECT_TRUE(b.held()) << "given up in order, so nobody waits 15 s";
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(codec::int_at(lease_, {"spec", "leaseTransitions"}), 2);
  b.stop();
  world_.loop.run_until_done(group_b.join());
}

TEST_F(OwnCallsTest, ADeadHoldersLeaseIsTakenAfter15Seconds) {
  lease_.as_object()["spec"] = {{"holderIdentity", "gone"},
                                {"renewTime", "2020-01-01T00:00:00.000000Z"}};
  LeaseLeadership b(calls_, world_.loop, "b", {});
  io::TaskGroup group(world_.loop);
  group.spawn(b.run());
  world_.run_for(seconds(14));
  EXPECT_FALSE(b.held()) << "the wall clocks of two nodes are not compared";
  world_.run_for(seconds(7));
  EXPECT_TRUE(b.held());
  b.stop();
  world_.loop.run_until_done(group.join());
}

TEST_F(OwnCallsTest, ALeaseThatCannotBeRenewedIsGivenUp) {
  LeaseLeadership a(calls_, world_.loop, "a", {});
  io::TaskGroup group(world_.loop);
  group.spawn(a.run());
  world_.run_for(seconds(6));
  ASSERT_TRUE(a.held());
  status_ = 500;
  world_.run_for(seconds(16));
  EXPECT_FALSE(a.held());
  a.stop();
  world_.loop.run_until_done(group.join());
}

TEST_F(OwnCallsTest, TheProberTellsTheTruthWithItsAge) {
  Prober prober(calls_, world_.loop, "here", {});
  int reports = 0;
  prober.on_report([&reports] { ++reports; });
  EXPECT_FALSE(prober.report().reachable);
  io::TaskGroup group(world_.loop);
  group.spawn(prober.run());
  world_.run_for(seconds(5));
  EXPECT_TRUE(prober.report().reachable);
  EXPECT_EQ(prober.report().version, "v1.36.3");
  EXPECT_EQ(prober.report().age_milliseconds, 5000);
  EXPECT_TRUE(prober.reachable_lately());
  server_.reachable = false;
  status_ = 500;
  world_.run_for(seconds(20));
  EXPECT_FALSE(prober.report().reachable);
  EXPECT_FALSE(prober.report().message.empty());
  EXPECT_TRUE(prober.reachable_lately()) << "a restart of the API server is no reason";
  world_.run_for(seconds(30));
  EXPECT_FALSE(prober.reachable_lately());
  server_.reachable = true;
  status_ = 200;
  world_.run_for(seconds(3));
  EXPECT_TRUE(prober.report().reachable) << "asked every 2 s while it fails";
  EXPECT_GT(reports, 10);
  prober.stop();
  world_.loop.run_until_done(group.join());
}

}  // namespace
}  // namespace roadstead::agent
