// SPDX-License-Identifier: Apache-2.0
#include "agent/group_rights.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/agent_test_support.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

class GroupRightsTest : public ::testing::Test {
 protected:
  io::Task<void> serve(http::ServerExchange& exchange) {
    const auto body = co_await http::read_whole(exchange, 1 << 20);
    const auto review = codec::parse_json(body.ok() ? *body : "");
    CHECK(review.ok(), "review");
    ++asked_;
    const auto at = [&review](std::string_view field) {
      return std::string(codec::string_at(*review, {"spec", "resourceAttributes", field}));
    };
    EXPECT_EQ(at("verb"), "impersonate");
    EXPECT_EQ(at("resource"), "groups");
    co_await reply(
        exchange, status_,
        codec::write_json(json::object{{"status", {{"allowed", granted_.contains(at("name"))}}}}));
  }
  std::vector<std::string> permitted(std::vector<std::string> groups) {
    std::vector<std::string> out;
    world_.loop.run_until_done(ask(std::move(groups), &out), std::chrono::minutes(1));
    return out;
  }
  io::Task<void> ask(std::vector<std::string> groups, std::vector<std::string>* out) {
    *out = co_await rights_.permitted(std::move(groups));
  }

  using Names = std::vector<std::string>;
  World world_;
  std::set<std::string> granted_{"rs:group:dev:1"};
  int status_ = 201;
  int asked_ = 0;
  PipeApiServer server_{world_, [this](http::ServerExchange& e) { return serve(e); }};
  OwnCalls calls_{server_, world_.loop, {"ns", "s", "l"}};
  GroupRights rights_{calls_, world_.clock};
};

TEST_F(GroupRightsTest, LeavesOutWhatTheClusterDoesNotGrant) {
  EXPECT_EQ(permitted({"rs:group:ops:1", "rs:group:dev:1"}), Names{"rs:group:dev:1"});
  EXPECT_TRUE(permitted({}).empty());
  EXPECT_EQ(asked_, 2) << "nothing is asked for who has no group";
}

TEST_F(GroupRightsTest, AsksAgainAfterAWhile) {
  EXPECT_TRUE(permitted({"rs:group:ops:1"}).empty());
  granted_.insert("rs:group:ops:1");
  EXPECT_TRUE(permitted({"rs:group:ops:1"}).empty());
  EXPECT_EQ(asked_, 1);
  world_.run_for(std::chrono::seconds(21));
  EXPECT_EQ(permitted({"rs:group:ops:1"}), Names{"rs:group:ops:1"});
}

TEST_F(GroupRightsTest, WhatCannotBeAskedIsNotGrantedAndNotRemembered) {
  status_ = 500;
  EXPECT_TRUE(permitted({"rs:group:dev:1"}).empty());
  status_ = 201;
  EXPECT_EQ(permitted({"rs:group:dev:1"}), Names{"rs:group:dev:1"});
}

}  // namespace
}  // namespace roadstead::agent
