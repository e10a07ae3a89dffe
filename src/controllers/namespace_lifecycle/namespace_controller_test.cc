// SPDX-License-Identifier: Apache-2.0
// The end of a namespace, over the hub's own object API.
#include "controllers/namespace_lifecycle/namespace_controller.h"

#include <gtest/gtest.h>

#include "controllers/controller_world_test_support.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

class NamespaceControllerTest : public testing::Test {
 protected:
  NamespaceControllerTest() {
    world_.make_namespace("n");
    world_.make_namespace("m");
    controller_.emplace(world_.parts, *world_.transport, std::vector{ControllerWorld::parts_of()});
  }
  ~NamespaceControllerTest() override {
    controller_->stop();
    world_.loop.run_until_done(world_.tasks.join());
  }
  void start() {
    world_.tasks.spawn(controller_->run());
    world_.settle();
  }
  void make(const std::string& name, const std::string& ns, json::array finalizers = {}) {
    json::object metadata{{"name", name}, {"namespace", ns}};
    metadata["finalizers"] = std::move(finalizers);
    world_.create(ControllerWorld::parts_of(),
                  {{"apiVersion", "test.io/v1"}, {"kind", "Part"}, {"metadata", metadata}});
  }
  bool has_namespace(const std::string& name) {
    return world_.there(ControllerWorld::namespaces(), {"", name});
  }
  std::string condition(const std::string& type, std::string_view field) {
    const json::value object = world_.get(ControllerWorld::namespaces(), {"", "n"});
    const json::object* found = kube::find_condition(object, type);
    return found == nullptr ? "" : std::string(found->at(field).as_string());
  }
  void remove() { ASSERT_TRUE(world_.remove(ControllerWorld::namespaces(), {"", "n"}).ok()); }

  ControllerWorld world_;
  std::optional<NamespaceController> controller_;
};

TEST_F(NamespaceControllerTest, ANamespaceGoesWithAllThatIsInIt) {
  start();
  make("a", "n");
  make("b", "n");
  make("c", "m");
  remove();
  world_.settle();
  EXPECT_FALSE(has_namespace("n"));
  EXPECT_FALSE(world_.there(ControllerWorld::parts_of(), {"n", "a"}));
  EXPECT_TRUE(has_namespace("m"));
  EXPECT_TRUE(world_.there(ControllerWorld::parts_of(), {"m", "c"}));
}

TEST_F(NamespaceControllerTest, OneThatWasBeingDeletedBeforeTheStartGoesToo) {
  make("a", "n");
  remove();
  EXPECT_TRUE(has_namespace("n"));
  start();
  EXPECT_FALSE(has_namespace("n"));
}

TEST_F(NamespaceControllerTest, WhatHoldsItUpStandsInItsStatus) {
  start();
  make("a", "n", {"example.com/hold"});
  make("b", "n");
  remove();
  world_.settle();
  ASSERT_TRUE(has_namespace("n"));
  EXPECT_EQ(condition("NamespaceContentRemaining", "status"), "True");
  EXPECT_EQ(condition("NamespaceContentRemaining", "message"),
            "Some resources are remaining: parts.test.io has 1 resource instances");
  EXPECT_EQ(condition("NamespaceFinalizersRemaining", "message"),
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 "
            "resource instances");
  ASSERT_TRUE(
      world_
          .patch(ControllerWorld::parts_of(), {"n", "a"}, {{"metadata", {{"finalizers", nullptr}}}})
          .ok());
  world_.loop.run_for(std::chrono::seconds(5));
  EXPECT_FALSE(has_namespace("n"));
}

TEST_F(NamespaceControllerTest, OneThatIsNotDeletedIsLeftAlone) {
  start();
  make("a", "n");
  world_.settle();
  EXPECT_TRUE(has_namespace("n"));
  EXPECT_TRUE(world_.there(ControllerWorld::parts_of(), {"n", "a"}));
}

}  // namespace
}  // namespace roadstead::controllers
