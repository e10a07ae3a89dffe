// SPDX-License-Identifier: Apache-2.0
// Informer, queue and reconciler together, and who of several acts.
#include "kube/controller/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_loop.h"
#include "kube/controller/fake_transport_test_support.h"
#include "kube/controller/leader_elector.h"

namespace roadstead::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

class RecordingReconciler final : public Reconciler {
 public:
  RecordingReconciler(io::Executor& executor, Informer& informer)
      : executor_(executor), informer_(informer) {}

  io::Task<Result<Reconciled>> reconcile(WorkKey key) override {
    const std::string name = key.object.name;
    CHECK(running_.insert(name).second, "one key was worked on twice at a time");
    most_at_once = std::max(most_at_once, running_.size());
    co_await io::sleep_for(executor_, takes);
    running_.erase(name);
    if (failures_left > 0) {
      --failures_left;
      seen.push_back(name + " failed");
      co_return Error(ErrorKind::Internal, "not yet");
    }
    const ObjectValue now = informer_.find(key.object);
    seen.push_back(name + (now == nullptr ? " gone" : ""));
    co_return Reconciled{requeue_after};
  }

  std::vector<std::string> seen;
  std::size_t most_at_once = 0;
  Duration takes{};
  int failures_left = 0;
  std::optional<Duration> requeue_after;

 private:
  io::Executor& executor_;
  Informer& informer_;
  std::set<std::string> running_;
};

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    controller_.add_informer(informer_);
    informer_.add_handler([this](const Change& change) {
      controller_.queue().add({"", change.key},
                              change.initial ? Priority::Background : Priority::Urgent);
    });
  }
  ~ControllerTest() override {
    controller_.stop();
    server_.close();
    loop_.run_until_done(group_.join());
  }
  void start() { group_.spawn(controller_.run()); }
  std::vector<std::string> seen() { return std::exchange(reconciler_.seen, {}); }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SeededRandom random_{3};
  telemetry::MetricRegistry metrics_;
  const ControllerParts parts_{loop_, random_, metrics_, {}};
  FakeTransport server_{loop_};
  io::TaskGroup group_{loop_};
  Informer informer_{parts_, server_, "things", {"x.io", "v1", "things", false}};
  RecordingReconciler reconciler_{loop_, informer_};
  Controller controller_{parts_, "test", reconciler_, {.workers = 3, .queue = {}}};
};

TEST_F(ControllerTest, WorksOnWhatWasThereAndOnWhatChanges) {
  server_.put("a");
  start();
  loop_.run_for(seconds(1));
  EXPECT_THAT(seen(), ElementsAre("a"));
  server_.put("b");
  server_.remove("a");
  loop_.run_for(seconds(1));
  EXPECT_THAT(seen(), ElementsAre("b", "a gone"));
}

TEST_F(ControllerTest, BeginsOnlyWhenEverythingIsKnown) {
  for (int i = 0; i < 5; ++i) {
    server_.fail_next(Error(ErrorKind::Unavailable, "not connected"));
  }
  controller_.queue().add({"", {"", "early"}});
  start();
  loop_.run_for(seconds(1));
  EXPECT_TRUE(seen().empty());
  loop_.run_for(std::chrono::minutes(3));
  EXPECT_THAT(seen(), ElementsAre("early gone"));
}

TEST_F(ControllerTest, AFailureIsTriedAgainUntilItWorks) {
  reconciler_.failures_left = 3;
  server_.put("a");
  start();
  loop_.run_for(seconds(1));
  EXPECT_THAT(seen(), ElementsAre("a failed", "a failed", "a failed", "a"));
  EXPECT_EQ(controller_.queue().failures({"", {"", "a"}}), 0);
}

TEST_F(ControllerTest, ASlowReconcilerBoundsTheQueueByTheNumberOfObjects) {
  reconciler_.takes = seconds(10);
  start();
  for (int i = 0; i < 2000; ++i) {
    server_.put(std::to_string(i % 20), {{"n", i}});
    loop_.run_for(milliseconds(5));
    EXPECT_LE(controller_.queue().depth() + controller_.queue().processing(), 20U);
  }
  EXPECT_EQ(reconciler_.most_at_once, 3U);
  loop_.run_for(std::chrono::minutes(5));
  EXPECT_EQ(controller_.queue().depth(), 0U);
}

TEST_F(ControllerTest, LooksAgainWhenAsked) {
  reconciler_.requeue_after = seconds(60);
  server_.put("a");
  start();
  loop_.run_for(seconds(1));
  seen();
  loop_.run_for(seconds(125));
  EXPECT_THAT(seen(), ElementsAre("a", "a"));
}

TEST_F(ControllerTest, StoppingLetsWhatRunsEndAndStartsNothing) {
  reconciler_.takes = seconds(5);
  server_.put("a");
  start();
  loop_.run_for(seconds(1));
  server_.put("b");
  controller_.stop();
  loop_.run_until_done(group_.join());
  EXPECT_THAT(seen(), ElementsAre("a"));
}

class MemoryLease final : public LeaseAccess {
 public:
  io::Task<Result<json::value>> get() override {
    if (down) {
      co_return Error(ErrorKind::Unavailable, "down");
    }
    co_return lease;
  }
  io::Task<Result<json::value>> replace(json::value next) override {
    if (down) {
      co_return Error(ErrorKind::Unavailable, "down");
    }
    if (resource_version_of(next) != resource_version_of(lease)) {
      co_return conflict({"coordination.k8s.io", "leases"}, "l", "changed");
    }
    metadata_of(next.get_object())["resourceVersion"] = std::to_string(++version_);
    lease = next;
    co_return next;
  }
  std::string holder() const {
    return std::string(codec::string_at(lease, {"spec", "holderIdentity"}));
  }
  json::value lease{{"metadata", {{"resourceVersion", "1"}}}, {"spec", json::object()}};
  bool down = false;

 private:
  int version_ = 1;
};

class LeaderTest : public testing::Test {
 protected:
  ~LeaderTest() override {
    a_.stop();
    b_.stop();
    loop_.run_until_done(group_.join());
  }
  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  MemoryLease lease_;
  io::TaskGroup group_{loop_};
  LeaderElector a_{lease_, loop_, {.identity = "a"}, {}, {}};
  LeaderElector b_{lease_, loop_, {.identity = "b"}, {}, {}};
};

TEST_F(LeaderTest, OneHoldsAndTheOtherTakesOverWhenItGivesBack) {
  group_.spawn(a_.run());
  loop_.run_for(seconds(1));
  group_.spawn(b_.run());
  loop_.run_for(std::chrono::minutes(5));
  EXPECT_TRUE(a_.held());
  EXPECT_FALSE(b_.held());
  EXPECT_EQ(codec::int_at(lease_.lease, {"spec", "leaseTransitions"}), 1);
  a_.stop();
  loop_.run_for(seconds(6));
  EXPECT_FALSE(a_.held());
  EXPECT_TRUE(b_.held());
  EXPECT_EQ(codec::int_at(lease_.lease, {"spec", "leaseTransitions"}), 2);
}

TEST_F(LeaderTest, AClaimEndsAfterItsOwnDurationByTheObserversClock) {
  lease_.lease.as_object()["spec"] = {{"holderIdentity", "gone"},
                                      {"leaseDurationSeconds", 60},
                                      {"renewTime", "2020-01-01T00:00:00.000000Z"}};
  group_.spawn(b_.run());
  clock_.set_wall_skew(std::chrono::hours(1000));  // what the wall says does not matter
  loop_.run_for(seconds(59));
  EXPECT_FALSE(b_.held());
  loop_.run_for(seconds(6));
  EXPECT_TRUE(b_.held());
}

TEST_F(LeaderTest, NobodyHoldsTwiceWhenTheHolderIsCutOff) {
  group_.spawn(a_.run());
  loop_.run_for(seconds(6));
  ASSERT_TRUE(a_.held());
  group_.spawn(b_.run());
  lease_.down = true;
  loop_.run_for(seconds(14));
  EXPECT_FALSE(a_.held()) << "it could not renew";
  lease_.down = false;
  for (int i = 0; i < 60; ++i) {
    loop_.run_for(seconds(1));
    EXPECT_FALSE(a_.held() && b_.held());
  }
  EXPECT_TRUE(a_.held() || b_.held());
}

}  // namespace
}  // namespace roadstead::kube
