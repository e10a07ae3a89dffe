// SPDX-License-Identifier: Apache-2.0
// Lanes kept, replaced, asked for and drained, with a hub on pipes and simulated time.
#include "agent/connector.h"

#include <gtest/gtest.h>

#include "agent/pipe_hub_test_support.h"

namespace roadstead::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ConnectorTest : public ::testing::Test, public ConnectorEvents {
 protected:
  ConnectorTest() {
    connector_ = std::make_unique<Connector>(environment_, *this, world_.random);
    group_.spawn(connector_->run());
    world_.settle();
  }
  ~ConnectorTest() override {
    connector_->stop();
    world_.loop.run_until_done(group_.join());
    hub_.lanes.clear();
  }
  HubIdentityPtr identity() {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    enrol_by_hand(c, hub_ca_);
    return std::move(HubIdentity::make(c, std::nullopt)).value();
  }
  void connect() {
    connector_->set_identity(identity());
    world_.settle();
    ASSERT_EQ(hub_.lanes.size(), 1U);
    hub_.lanes[0]->say_hello();
    ASSERT_TRUE(connector_->connected());
  }

  tunnel::Hello hello(const Lane& lane) override {
    tunnel::Hello hello;
    hello.lane_purpose = lane.purpose();
    return hello;
  }
  tunnel::ApiServerReport report() override { return {}; }
  void on_connected() override { ++connects_; }
  void on_disconnected(const Error& why) override { losses_.push_back(why.message()); }
  void on_hub_message(const codec::json::object& message) override { messages_.push_back(message); }

  World world_;
  TestCa hub_ca_{world_, "hub"};
  TestCa user_ca_{world_, "users"};
  PipeHub hub_{world_, [](http::ServerExchange& e) { return reply(e, 404, ""); }};
  PipeApiServer api_server_{world_, [](http::ServerExchange& e) { return reply(e, 200, "x"); }};
  UserUpstream upstream_{api_server_};
  Forwarder forwarder_{upstream_, world_.clock, world_.metrics, {}};
  http::BufferBudget buffers_{1 << 20};
  LaneEnvironment environment_{world_.loop, hub_, forwarder_, buffers_, {}, {}};
  std::unique_ptr<Connector> connector_;
  io::TaskGroup group_{world_.loop};
  int connects_ = 0;
  std::vector<std::string> losses_;
  std::vector<codec::json::object> messages_;
};

TEST_F(ConnectorTest, HoldsOneLaneAndRedialsWhenItIsLost) {
  connect();
  world_.run_for(seconds(30));
  EXPECT_EQ(hub_.lane_dials, 1);
  hub_.lanes[0]->session().close();
  world_.run_for(seconds(1));
  EXPECT_EQ(losses_.size(), 1U);
  EXPECT_FALSE(connector_->connected());
  ASSERT_EQ(hub_.lane_dials, 2);
  hub_.lanes[1]->say_hello();
  EXPECT_TRUE(connector_->connected());
  EXPECT_EQ(connects_, 2);
}

TEST_F(ConnectorTest, RedialsWithJitterUpTo4SecondsThen30) {
  hub_.lane_failure = Error(ErrorKind::Network, "connect 192.0.2.1:8443: connection refused");
  connector_->set_identity(identity());
  world_.run_for(minutes(9));
  const auto gap = [this](std::size_t i) { return hub_.dial_times[i] - hub_.dial_times[i - 1]; };
  ASSERT_GT(hub_.dial_times.size(), 150U) << "4 s with full jitter: 2 s on average";
  EXPECT_LE(gap(1), std::chrono::milliseconds(100));
  EXPECT_LE(gap(2), std::chrono::milliseconds(200));
  Duration longest{};
  for (std::size_t i = 1; i < hub_.dial_times.size(); ++i) {
    longest = std::max(longest, gap(i));
  }
  EXPECT_LE(longest, seconds(4));
  EXPECT_GT(longest, seconds(3));
  const std::size_t before = hub_.dial_times.size();
  world_.run_for(hours(1));
  EXPECT_LT(hub_.dial_times.size() - before, 400U) << "30 s with full jitter: 15 s on average";
  hub_.lane_failure.reset();
  world_.run_for(seconds(31));
  EXPECT_EQ(hub_.lanes.size(), 1U);
}

TEST_F(ConnectorTest, ALaneThatDiesAtOnceIsNotRedialledInARush) {
  connect();
  for (int i = 0; i < 20; ++i) {
    hub_.lanes.back()->session().close();
    const std::size_t n = hub_.lanes.size();
    for (int s = 0; s < 5 && hub_.lanes.size() == n; ++s) {
      world_.run_for(seconds(1));
    }
    ASSERT_EQ(hub_.lanes.size(), n + 1);
    hub_.lanes.back()->say_hello();
  }
  EXPECT_GE(hub_.dial_times.back() - hub_.dial_times.front(), seconds(10));
}

TEST_F(ConnectorTest, ANewCertificateGetsANewLaneBeforeTheOldOneGoes) {
  connect();
  connector_->set_identity(identity());
  world_.settle();
  ASSERT_EQ(hub_.lanes.size(), 2U);
  EXPECT_FALSE(hub_.lanes[0]->ended());
  EXPECT_TRUE(hub_.lanes[0]->messages("retire").empty()) << "not before the new one is ready";
  hub_.lanes[1]->say_hello();
  EXPECT_EQ(hub_.lanes[0]->messages("retire").size(), 1U);
  EXPECT_FALSE(hub_.lanes[0]->session().draining());
  world_.run_for(seconds(6));
  EXPECT_TRUE(hub_.lanes[0]->ended());
  EXPECT_TRUE(connector_->connected());
  EXPECT_NE(hub_.serials[0], hub_.serials[1]);
  EXPECT_TRUE(losses_.empty());
}

TEST_F(ConnectorTest, ReplacesALaneThatTheHubDrains) {
  connect();
  hub_.lanes[0]->send({{"type", "drain"}});
  ASSERT_EQ(hub_.lanes.size(), 2U) << "the replacement first";
  EXPECT_FALSE(hub_.lanes[0]->ended());
  hub_.lanes[1]->say_hello();
  world_.run_for(seconds(6));
  EXPECT_TRUE(hub_.lanes[0]->ended());
  EXPECT_TRUE(connector_->connected());
}

TEST_F(ConnectorTest, OpensALaneMoreWhenAskedAndClosesItWhenIdle) {
  connect();
  hub_.lanes[0]->send({{"type", "open-lane"}, {"purpose", "bulk"}});
  ASSERT_EQ(hub_.lanes.size(), 2U);
  hub_.lanes[1]->say_hello();
  EXPECT_EQ(hub_.lanes[1]->messages("hello").at(0).at("lanePurpose"), "bulk");
  EXPECT_EQ(connector_->stats().ready, 2U);
  world_.run_for(seconds(50));
  EXPECT_FALSE(hub_.lanes[1]->ended());
  world_.run_for(seconds(20));
  EXPECT_TRUE(hub_.lanes[1]->ended());
  EXPECT_TRUE(connector_->connected());
  for (int i = 0; i < 20; ++i) {
    hub_.lanes[0]->send({{"type", "open-lane"}});
  }
  EXPECT_LE(connector_->stats().lanes, 8U);
}

TEST_F(ConnectorTest, ReportsToPrimaryLanes) {
  connect();
  connector_->broadcast_report();
  world_.settle();
  EXPECT_EQ(hub_.lanes[0]->messages("apiserver").size(), 2U) << "with the one after hello";
  EXPECT_TRUE(connector_->send({{"type", "renew"}}));
  world_.settle();
  EXPECT_EQ(hub_.lanes[0]->messages("renew").size(), 1U);
  hub_.lanes[0]->send({{"type", "removed"}});
  ASSERT_EQ(messages_.size(), 1U);
}

TEST_F(ConnectorTest, WithoutAnIdentityItClosesAndStaysQuiet) {
  connect();
  connector_->set_identity(nullptr);
  world_.run_for(hours(1));
  EXPECT_TRUE(hub_.lanes[0]->ended());
  EXPECT_EQ(hub_.lane_dials, 1);
  EXPECT_FALSE(connector_->send({{"type", "renew"}}));
}

TEST_F(ConnectorTest, DrainsInOrderAndEnds) {
  connect();
  connector_->drain(seconds(25));
  world_.run_for(seconds(3));
  EXPECT_TRUE(hub_.lanes[0]->ended());
  EXPECT_EQ(group_.running(), 0U);
  EXPECT_EQ(hub_.lane_dials, 1);
}

TEST_F(ConnectorTest, AHubThatSaysNoHelloIsLeft) {
  connector_->set_identity(identity());
  world_.settle();
  ASSERT_EQ(hub_.lanes.size(), 1U);
  world_.run_for(seconds(20));
  EXPECT_TRUE(hub_.lanes[0]->ended());
  EXPECT_GE(hub_.lane_dials, 2);
}

}  // namespace
}  // namespace roadstead::agent
