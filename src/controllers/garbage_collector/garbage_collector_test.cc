// SPDX-License-Identifier: Apache-2.0
// Garbage collection over the hub's own object API, by the rules of Kubernetes.
#include "controllers/garbage_collector/garbage_collector.h"

#include <gtest/gtest.h>

#include "controllers/controller_world_test_support.h"

namespace roadstead::controllers {
namespace {

class GarbageCollectorTest : public testing::Test {
 protected:
  GarbageCollectorTest() {
    std::vector<CollectedKind> kinds;
    for (const auto& kind : world_.kinds().all()) {
      kinds.push_back({objects::resource_of(*kind), kind->kind});
    }
    world_.make_namespace("n");
    world_.make_namespace("m");
    collector_.emplace(world_.parts, *world_.transport, kinds);
  }
  ~GarbageCollectorTest() override {
    collector_->stop();
    world_.loop.run_until_done(world_.tasks.join());
  }

  void start() {
    world_.tasks.spawn(collector_->run());
    world_.settle();
  }
  // Names begin with t for things, p for parts (in namespace n).
  static kube::Resource resource_of(const std::string& name) {
    return name.starts_with("t") ? ControllerWorld::things() : ControllerWorld::parts_of();
  }
  static kube::ObjectKey key_of(const std::string& name, const std::string& ns = "n") {
    return {name.starts_with("t") ? "" : ns, name};
  }
  json::value make(const std::string& name, const std::vector<json::value>& owners = {},
                   const std::string& ns = "n", json::array finalizers = {}) {
    const bool thing = name.starts_with("t");
    json::object metadata{{"name", name}};
    if (!thing) {
      metadata["namespace"] = ns;
    }
    if (!owners.empty()) {
      metadata["ownerReferences"] = json::array(owners.begin(), owners.end());
    }
    if (!finalizers.empty()) {
      metadata["finalizers"] = std::move(finalizers);
    }
    return world_.create(resource_of(name), {{"apiVersion", "test.io/v1"},
                                             {"kind", thing ? "Thing" : "Part"},
                                             {"metadata", std::move(metadata)}});
  }
  static json::value ref(const json::value& owner, bool blocks = false) {
    return {{"apiVersion", owner.at("apiVersion")},
            {"kind", owner.at("kind")},
            {"name", kube::name_of(owner)},
            {"uid", kube::uid_of(owner)},
            {"blockOwnerDeletion", blocks}};
  }
  bool there(const std::string& name) { return world_.there(resource_of(name), key_of(name)); }
  std::size_t owners(const std::string& name) {
    return owners_of(world_.get(resource_of(name), key_of(name))).size();
  }
  void remove(const std::string& name, kube::Propagation propagation) {
    const auto removed = world_.remove(resource_of(name), key_of(name), propagation);
    ASSERT_TRUE(removed.ok()) << removed.error().to_string();
  }

  ControllerWorld world_;
  std::optional<GarbageCollector> collector_;
};

TEST_F(GarbageCollectorTest, InTheBackgroundDependentsGoAfterTheirOwner) {
  start();
  const auto owner = make("t1");
  const auto child = make("p1", {ref(owner)});
  make("p2", {ref(child)});
  make("p3");
  world_.settle();
  EXPECT_TRUE(there("p1") && there("p2"));
  remove("t1", kube::Propagation::Background);
  EXPECT_FALSE(there("t1"));
  world_.settle();
  EXPECT_FALSE(there("p1") || there("p2"));
  EXPECT_TRUE(there("p3"));
  EXPECT_TRUE(collector_->idle());
}

TEST_F(GarbageCollectorTest, WhatWasOwnedByNobodyAtTheStartGoes) {
  const auto owner = make("t1");
  make("p1", {ref(owner)});
  remove("t1", kube::Propagation::Background);
  make("t2");
  start();
  EXPECT_FALSE(there("p1"));
  EXPECT_TRUE(there("t2"));
}

TEST_F(GarbageCollectorTest, InTheForegroundTheOwnerGoesLast) {
  start();
  const auto owner = make("t1");
  make("p1", {ref(owner, true)}, "n", {"example.com/hold"});
  make("p2", {ref(owner, false)});
  world_.settle();
  remove("t1", kube::Propagation::Foreground);
  world_.settle();
  EXPECT_TRUE(there("t1")) << "p1 blocks";
  EXPECT_TRUE(there("p1"));
  EXPECT_FALSE(there("p2"));
  ASSERT_TRUE(
      world_.patch(resource_of("p1"), key_of("p1"), {{"metadata", {{"finalizers", nullptr}}}})
          .ok());
  world_.settle();
  EXPECT_FALSE(there("p1"));
  EXPECT_FALSE(there("t1"));
}

TEST_F(GarbageCollectorTest, AForegroundDeletionGoesDownTheTree) {
  start();
  const auto owner = make("t1");
  const auto child = make("p1", {ref(owner, true)});
  make("p2", {ref(child, true)}, "n", {"example.com/hold"});
  world_.settle();
  remove("t1", kube::Propagation::Foreground);
  world_.settle();
  EXPECT_TRUE(there("t1") && there("p1") && there("p2"));
  EXPECT_TRUE(waits_for_dependents(world_.get(resource_of("p1"), key_of("p1"))));
  ASSERT_TRUE(
      world_.patch(resource_of("p2"), key_of("p2"), {{"metadata", {{"finalizers", nullptr}}}})
          .ok());
  world_.settle();
  EXPECT_FALSE(there("t1") || there("p1") || there("p2"));
}

TEST_F(GarbageCollectorTest, AForegroundOwnerThatNobodyBlocksGoesAtOnce) {
  start();
  make("t1");
  remove("t1", kube::Propagation::Foreground);
  world_.settle();
  EXPECT_FALSE(there("t1"));
}

TEST_F(GarbageCollectorTest, OrphansStayAndLoseTheReference) {
  start();
  const auto owner = make("t1");
  const auto other = make("t2");
  make("p1", {ref(owner)});
  make("p2", {ref(owner), ref(other)});
  world_.settle();
  remove("t1", kube::Propagation::Orphan);
  world_.settle();
  EXPECT_FALSE(there("t1"));
  EXPECT_TRUE(there("p1") && there("p2"));
  EXPECT_EQ(owners("p1"), 0U);
  EXPECT_EQ(owners("p2"), 1U);
}

TEST_F(GarbageCollectorTest, AsLongAsOneOwnerIsThereTheObjectStays) {
  start();
  const auto first = make("t1");
  const auto second = make("t2");
  make("p1", {ref(first), ref(second)});
  world_.settle();
  remove("t1", kube::Propagation::Background);
  world_.settle();
  EXPECT_EQ(owners("p1"), 1U) << "the reference that dangles is taken away";
  remove("t2", kube::Propagation::Background);
  world_.settle();
  EXPECT_FALSE(there("p1"));
}

TEST_F(GarbageCollectorTest, AnotherObjectWithTheOwnersNameIsNotTheOwner) {
  start();
  auto owner = make("t1");
  owner.at("metadata").at("uid") = "00000000-0000-4000-8000-000000000000";
  make("p1", {ref(owner)});
  world_.settle();
  EXPECT_FALSE(there("p1"));
  EXPECT_TRUE(there("t1"));
}

TEST_F(GarbageCollectorTest, ANamespacedOwnerIsLookedForInTheObjectsNamespace) {
  start();
  const auto owner = make("p1", {}, "m");
  make("p2", {ref(owner)}, "n");
  make("p3", {ref(owner)}, "m");
  world_.settle();
  EXPECT_FALSE(there("p2"));
  EXPECT_TRUE(world_.there(resource_of("p3"), key_of("p3", "m")));
}

TEST_F(GarbageCollectorTest, AClusterScopedObjectIsNotCollectedForANamespacedOwner) {
  start();
  const auto owner = make("p1");
  make("t1", {ref(owner)});
  world_.settle();
  remove("p1", kube::Propagation::Background);
  world_.settle();
  EXPECT_TRUE(there("t1"));
}

TEST_F(GarbageCollectorTest, AnOwnerOfAKindFromElsewhereCountsAsThere) {
  start();
  make("p1", {{{"apiVersion", "apps/v1"},
               {"kind", "Deployment"},
               {"name", "web"},
               {"uid", "00000000-0000-4000-8000-000000000000"}}});
  world_.settle();
  EXPECT_TRUE(there("p1"));
}

TEST_F(GarbageCollectorTest, ACircleThatIsDeletedInTheForegroundEnds) {
  start();
  const auto first = make("t1");
  const auto second = make("t2", {ref(first, true)});
  json::array owners{ref(second, true)};
  ASSERT_TRUE(
      world_.patch(resource_of("t1"), key_of("t1"), {{"metadata", {{"ownerReferences", owners}}}})
          .ok());
  world_.settle();
  remove("t1", kube::Propagation::Foreground);
  world_.loop.run_for(std::chrono::seconds(30));
  EXPECT_FALSE(there("t1") || there("t2"));
}

TEST_F(GarbageCollectorTest, UnblockingADependentLetsTheOwnerGo) {
  start();
  const auto owner = make("t1");
  make("p1", {ref(owner, true)}, "n", {"example.com/hold"});
  world_.settle();
  remove("t1", kube::Propagation::Foreground);
  world_.settle();
  ASSERT_TRUE(there("t1"));
  json::array unblocked{ref(owner, false)};
  ASSERT_TRUE(
      world_
          .patch(resource_of("p1"), key_of("p1"), {{"metadata", {{"ownerReferences", unblocked}}}})
          .ok());
  world_.settle();
  EXPECT_FALSE(there("t1"));
}

}  // namespace
}  // namespace roadstead::controllers
