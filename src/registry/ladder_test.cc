// SPDX-License-Identifier: Apache-2.0
#include "registry/ladder.h"

#include <gtest/gtest.h>

namespace roadstead::registry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow{seconds(1'800'000'000)};

const Condition& step(const Ladder& ladder, std::string_view type) {
  for (const Condition& c : ladder.conditions) {
    if (c.type == type) {
      return c;
    }
  }
  ADD_FAILURE() << "no step " << type;
  return ladder.conditions.front();
}

ClusterFacts running() {
  ClusterFacts f;
  f.name = "ack";
  f.token_minted = kNow - hours(1);
  f.token_expires = kNow;
  f.certificate_issued = kNow - minutes(50);
  f.certificate_not_after = kNow + hours(100);
  f.lanes = {{1, "agent-a", "", "192.0.2.1:5", kNow, kNow},
             {2, "agent-b", "", "192.0.2.2:5", kNow, kNow}};
  f.report = ReportFact{true, "v1.36.3", "", kNow};
  f.kubernetes_version = "v1.36.3";
  f.last_contact = kNow;
  return f;
}

TEST(Ladder, ANewClusterSaysHowToBegin) {
  ClusterFacts f;
  f.name = "ack";
  const Ladder l = climb(f, kNow);
  EXPECT_EQ(l.phase, "Pending");
  EXPECT_EQ(step(l, "TokenIssued").reason, "NoToken");
  EXPECT_NE(step(l, "TokenIssued").fix.find("cluster manifest ack"), std::string::npos);
  EXPECT_EQ(step(l, "Ready").status, "False");
}

TEST(Ladder, AfterAMinuteOfSilenceItShowsTheMembersCommand) {
  ClusterFacts f;
  f.name = "ack";
  f.token_minted = kNow - seconds(59);
  f.token_expires = kNow + minutes(59);
  EXPECT_EQ(step(climb(f, kNow), "AgentSeen").reason, "Waiting");
  const Condition silent = step(climb(f, kNow + seconds(1)), "AgentSeen");
  EXPECT_EQ(silent.reason, "Silent");
  EXPECT_NE(silent.fix.find("roadstead-agent check"), std::string::npos);
}

TEST(Ladder, ARefusedCallIsShownWithItsReason) {
  ClusterFacts f;
  f.name = "ack";
  f.attempt = AttemptFact{"192.0.2.9:1", "the token was used at noon", "TokenUsed", kNow};
  const Condition c = step(climb(f, kNow), "AgentSeen");
  EXPECT_EQ(c.status, "False");
  EXPECT_EQ(c.reason, "TokenUsed");
  EXPECT_NE(c.evidence.find("192.0.2.9"), std::string::npos);
}

TEST(Ladder, RunningNamesEveryReplica) {
  const Ladder l = climb(running(), kNow);
  EXPECT_EQ(l.phase, "Running");
  EXPECT_EQ(step(l, "Ready").status, "True");
  EXPECT_NE(step(l, "Connected").evidence.find("agent-b: 1 lane from 192.0.2.2:5"),
            std::string::npos);
}

TEST(Ladder, ReportsOfAConnectedClusterChangeNothingThatIsShown) {
  ClusterFacts f = running();
  const Ladder before = climb(f, kNow);
  f.last_contact = kNow + seconds(10);
  const Ladder after = climb(f, kNow + seconds(10));
  for (const Condition& c : before.conditions) {
    EXPECT_EQ(step(after, c.type).evidence, c.evidence);
  }
}

TEST(Ladder, ALostClusterIsUnreachableSinceItWasLastHeard) {
  ClusterFacts f = running();
  f.lanes.clear();
  f.last_contact = kNow - seconds(40);
  const Ladder l = climb(f, kNow);
  EXPECT_EQ(l.phase, "Unreachable");
  EXPECT_EQ(climb(f, kNow + minutes(5)).conditions.back().evidence, step(l, "Ready").evidence);
  EXPECT_NE(step(l, "Ready").evidence.find("last heard 2027-01-15T07:59:20Z"), std::string::npos);
}

TEST(Ladder, AnApiServerThatRefusesIsToldApartFromALostLane) {
  ClusterFacts f = running();
  f.report = ReportFact{false, "", "connect 10.96.0.1:443: connection refused", kNow};
  const Ladder l = climb(f, kNow);
  EXPECT_EQ(l.phase, "Unreachable");
  EXPECT_EQ(step(l, "Connected").status, "True");
  EXPECT_EQ(step(l, "Ready").reason, "APIServerRefuses");
}

TEST(Ladder, AnotherApiServersCaFails) {
  ClusterFacts f = running();
  f.ca_fingerprint = std::string(64, 'a');
  f.conflict = ConflictFact{std::string(64, 'b'), "agent-x", "192.0.2.7:9", kNow};
  const Ladder l = climb(f, kNow + seconds(1));
  EXPECT_EQ(l.phase, "Failed");
  EXPECT_EQ(step(l, "Ready").reason, "OtherAPIServer");
  EXPECT_NE(step(l, "Ready").evidence.find("bbbb from 192.0.2.7:9 (replica agent-x)"),
            std::string::npos);
  EXPECT_FALSE(step(l, "Ready").fix.empty());
}

TEST(Ladder, AnotherApiServerThatHasGoneIsForgotten) {
  ClusterFacts f = running();
  f.ca_fingerprint = std::string(64, 'a');
  f.conflict = ConflictFact{std::string(64, 'b'), "", "192.0.2.7:9", kNow};
  EXPECT_EQ(climb(f, kNow + kConflictShown - seconds(1)).phase, "Failed");
  EXPECT_EQ(climb(f, kNow + kConflictShown).phase, "Running");
}

}  // namespace
}  // namespace roadstead::registry
