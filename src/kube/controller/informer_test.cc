// SPDX-License-Identifier: Apache-2.0
// What an informer knows and tells, whatever happens to the API server.
#include "kube/controller/informer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_loop.h"
#include "kube/controller/fake_transport_test_support.h"

namespace roadstead::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

class InformerTest : public testing::Test {
 protected:
  InformerTest() {
    informer_.add_index("color", [](const json::value& object) {
      const std::string_view color = codec::string_at(object, {"spec", "color"});
      return color.empty() ? std::vector<std::string>() : std::vector{std::string(color)};
    });
    informer_.add_handler([this](const Change& change) {
      const char sign = change.type == Change::Type::Added     ? '+'
                        : change.type == Change::Type::Updated ? '~'
                                                               : '-';
      told_.push_back(sign + change.key.name + (change.initial ? " initial" : ""));
    });
  }
  ~InformerTest() override {
    informer_.stop();
    server_.close();
    loop_.run_until_done(group_.join());
  }
  void start() {
    group_.spawn(informer_.run());
    loop_.run_for(milliseconds(1));
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }
  std::vector<std::string> asked() { return std::exchange(server_.asked, {}); }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SeededRandom random_{3};
  telemetry::MetricRegistry metrics_;
  FakeTransport server_{loop_};
  io::TaskGroup group_{loop_};
  Informer informer_{{loop_, random_, metrics_, {}},  server_, "test/things",
                     {"x.io", "v1", "things", false}, {},      {.page_size = 2}};
  std::vector<std::string> told_;
};

TEST_F(InformerTest, ListsInPagesThenWatchesFromTheListsVersion) {
  server_.put("a");
  server_.put("b");
  server_.put("c");
  EXPECT_FALSE(informer_.has_synced());
  start();
  EXPECT_TRUE(informer_.has_synced());
  EXPECT_THAT(told(), ElementsAre("+a initial", "+b initial", "+c initial"));
  EXPECT_THAT(asked(), ElementsAre("list", "list continue", "watch 13"));
  server_.put("d");
  server_.put("a", {{"color", "red"}});
  server_.remove("b");
  loop_.run_ready_now();
  EXPECT_THAT(told(), ElementsAre("+d", "~a", "-b"));
  EXPECT_EQ(informer_.objects().size(), 3U);
  EXPECT_EQ(informer_.find({"", "b"}), nullptr);
  EXPECT_TRUE(asked().empty());
}

TEST_F(InformerTest, IndexesFollowEveryChange) {
  server_.put("a", {{"color", "red"}});
  server_.put("b", {{"color", "red"}});
  start();
  EXPECT_EQ(informer_.by_index("color", "red").size(), 2U);
  server_.put("a", {{"color", "blue"}});
  server_.remove("b");
  loop_.run_ready_now();
  EXPECT_TRUE(informer_.by_index("color", "red").empty());
  ASSERT_EQ(informer_.by_index("color", "blue").size(), 1U);
  EXPECT_EQ(name_of(*informer_.by_index("color", "blue")[0]), "a");
}

TEST_F(InformerTest, AWatchThatEndsGoesOnFromTheLastBookmark) {
  server_.put("a");
  start();
  asked();
  server_.bookmark();
  loop_.run_for(minutes(5));
  server_.end_watches();
  loop_.run_ready_now();
  EXPECT_THAT(asked(), ElementsAre("watch 12"));
  EXPECT_THAT(told(), ElementsAre("+a initial"));
}

TEST_F(InformerTest, ABrokenConnectionIsResumedAfterAPauseWithoutAList) {
  server_.put("a");
  start();
  server_.put("b");
  loop_.run_ready_now();
  told();
  asked();
  server_.break_watches(Error(ErrorKind::Network, "connection reset"));
  server_.remove("a");  // while nobody watches
  server_.put("c");
  loop_.run_ready_now();
  EXPECT_TRUE(asked().empty()) << "no hammering";
  loop_.run_for(seconds(2));
  EXPECT_THAT(asked(), ElementsAre("watch 12"));
  EXPECT_THAT(told(), ElementsAre("-a", "+c"));
}

TEST_F(InformerTest, AnExpiredVersionIsListedAgainAndNoDeletionIsLost) {
  server_.put("a");
  server_.put("b");
  server_.put("c");
  start();
  told();
  asked();
  server_.break_watches(Error(ErrorKind::Network, "connection reset"));
  server_.remove("b");
  server_.remove("c");
  server_.put("c", {}, "another-uid");
  server_.put("d");
  server_.compact();
  loop_.run_for(seconds(10));
  EXPECT_THAT(told(), ElementsAre("-b", "-c", "+c", "+d"));
  EXPECT_EQ(uid_of(*informer_.find({"", "c"})), "another-uid");
  EXPECT_THAT(asked(), ElementsAre("watch 13", "list", "list continue", "watch 17"));
}

TEST_F(InformerTest, AnExpiredAnswerToTheWatchRequestListsAgain) {
  start();
  asked();
  loop_.run_for(seconds(5));
  server_.fail_next(expired("too old resource version: 10"));
  server_.end_watches();
  loop_.run_for(seconds(5));
  EXPECT_THAT(asked(), ElementsAre("watch 10", "list", "watch 10"));
}

TEST_F(InformerTest, AnExpiredContinueTokenListsEverythingAtOnce) {
  server_.put("a");
  server_.put("b");
  server_.put("c");
  server_.expire_continue_tokens();
  start();
  EXPECT_THAT(asked(), ElementsAre("list", "list continue", "list", "watch 13"));
  EXPECT_EQ(informer_.objects().size(), 3U);
}

TEST_F(InformerTest, PausesGrowWhileTheServerIsAwayAndWhatIsKnownStays) {
  server_.put("a");
  start();
  asked();
  for (int i = 0; i < 200; ++i) {
    server_.fail_next(Error(ErrorKind::Unavailable, "the cluster is not connected"));
  }
  server_.break_watches(Error(ErrorKind::Network, "gone"));
  loop_.run_for(minutes(10));
  const std::size_t tries = asked().size();
  EXPECT_GE(tries, 10U);  // at most a minute apart
  EXPECT_LE(tries, 30U);
  EXPECT_EQ(informer_.objects().size(), 1U);
}

TEST_F(InformerTest, AWatchThatEndsAtOnceIsNotHammered) {
  start();
  asked();
  for (int i = 0; i < 1000; ++i) {
    server_.end_watches();
    loop_.run_for(milliseconds(10));
  }
  EXPECT_LE(asked().size(), 12U);
}

TEST_F(InformerTest, StopsWhereverItWaits) {
  start();
  server_.break_watches(Error(ErrorKind::Network, "gone"));
  loop_.run_ready_now();
  informer_.stop();
  loop_.run_until_done(group_.join(), milliseconds(0));  // a pause does not hold it up
}

}  // namespace
}  // namespace roadstead::kube
