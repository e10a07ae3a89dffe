// SPDX-License-Identifier: Apache-2.0
// An informer of the hub over a cluster's tunnel: Stub, lanes and Agents between it and the
// member's API server, with the faults of the simulated world.
#include "kube/controller/informer.h"

#include <gtest/gtest.h>

#include "kube/rest/rest_transport.h"
#include "world.h"

namespace roadstead::sim {
namespace {

using std::chrono::seconds;

class InformerThroughTunnel : public testing::Test {
 protected:
  ~InformerThroughTunnel() override {
    informer_.stop();
    transport_.close();
    world_.loop().run_until_done(group_.join());
  }
  void start() {
    world_.connect(0);
    world_.connect(1);
    world_.loop().run_for(seconds(1));
    group_.spawn(informer_.run());
    world_.loop().run_for(seconds(1));
  }
  FakeObjects& member() { return world_.api_server().objects(); }
  std::string value(const std::string& name) {
    const kube::ObjectValue object = informer_.find({"n", name});
    return object == nullptr ? "-" : std::string(codec::string_at(*object, {"data", "value"}));
  }
  // What the informer knows is what is there.
  void settle() { world_.loop().run_for(std::chrono::minutes(2)); }

  World world_{21};
  telemetry::MetricRegistry metrics_;
  WorldExchanger exchanger_{world_};
  kube::RestTransport transport_{world_.loop(), exchanger_};
  io::TaskGroup group_{world_.loop()};
  kube::Informer informer_{{world_.loop(), world_.random(), metrics_, {}},
                           transport_,
                           "ack/configmaps",
                           {"", "v1", "configmaps", true},
                           {},
                           {.page_size = 3}};
};

TEST_F(InformerThroughTunnel, ListsInPagesAndFollows) {
  for (int i = 0; i < 8; ++i) {
    member().put("c" + std::to_string(i), "old");
  }
  start();
  EXPECT_TRUE(informer_.has_synced());
  EXPECT_EQ(informer_.objects().size(), 8U);
  EXPECT_EQ(member().lists(), 3);
  EXPECT_EQ(member().watches(), 1);
  member().put("c1", "new");
  member().remove("c2");
  world_.loop().run_for(seconds(1));
  EXPECT_EQ(value("c1"), "new");
  EXPECT_EQ(value("c2"), "-");
}

TEST_F(InformerThroughTunnel, AKilledAgentCostsNoListAndNoEvent) {
  member().put("a", "1");
  start();
  for (int round = 0; round < 20; ++round) {
    const std::size_t agent = round % 2;
    member().put("a", "round" + std::to_string(round));
    if (round % 3 == 0) {
      world_.loop().run_ready_now();
    }
    world_.kill(agent);
    member().put("b" + std::to_string(round), "made while it was away");
    member().put("a", "after" + std::to_string(round));
    world_.loop().run_for(seconds(1));
    world_.connect(agent);
    settle();
    EXPECT_EQ(value("a"), "after" + std::to_string(round));
  }
  EXPECT_EQ(informer_.objects().size(), 21U);
  EXPECT_EQ(member().lists(), 1) << "every watch went on from where it was";
}

TEST_F(InformerThroughTunnel, AnOfflineClusterIsKnownAsItWasAndCaughtUpWith) {
  member().put("a", "1");
  member().put("b", "1");
  start();
  world_.kill(0);
  world_.kill(1);
  world_.loop().run_for(seconds(30));
  EXPECT_EQ(value("a"), "1");
  member().remove("b");
  member().forget_history();
  world_.loop().run_for(std::chrono::minutes(30));
  EXPECT_EQ(value("b"), "1");
  world_.connect(0);
  settle();
  EXPECT_EQ(value("b"), "-") << "the deletion was not seen, but the object is not in the new list";
  EXPECT_EQ(member().lists(), 2);
}

TEST_F(InformerThroughTunnel, AnExpiredVersionInTheWatchListsAgain) {
  member().put("a", "1");
  start();
  member().put("a", "2");
  member().forget_history();
  settle();
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(member().lists(), 2);
}

}  // namespace
}  // namespace roadstead::sim
