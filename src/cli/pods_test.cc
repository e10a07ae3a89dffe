// SPDX-License-Identifier: Apache-2.0
#include "cli/pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rfc3339.h"
#include "cli/ladder.h"

namespace roadstead::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

json::value parse(std::string_view text) { return *codec::parse_json(text); }
const json::value kNothing = json::object{{"items", json::array()}};

std::vector<PodFinding> explain(std::string_view pod, std::string_view event = "") {
  json::value pods = kNothing;
  pods.at("items").as_array().push_back(parse(pod));
  json::value events = kNothing;
  if (!event.empty()) {
    events.at("items").as_array().push_back(parse(event));
  }
  return explain_pods(pods, events);
}

TEST(Pods, NothingIsSaidWhileAllGoesItsWay) {
  EXPECT_THAT(explain_pods(kNothing, kNothing), IsEmpty());
  EXPECT_THAT(explain(R"({"metadata":{"name":"a"},"status":{"containerStatuses":[
    {"image":"i","state":{"waiting":{"reason":"ContainerCreating"}}}]}})"),
              IsEmpty());
  // It ended before, and is ready now.
  EXPECT_THAT(explain(R"({"metadata":{"name":"a"},"status":{"conditions":[
    {"type":"Ready","status":"True"}],"containerStatuses":[
    {"image":"i","ready":true,"lastState":{"terminated":{"exitCode":1,"message":"m"}}}]}})"),
              IsEmpty());
}

TEST(Pods, AnImageThatIsNotPulledNamesTheWaysOut) {
  const auto found = explain(R"({"metadata":{"name":"a"},"status":{"containerStatuses":[
    {"image":"hub:8443/roadstead/agent:1","state":{"waiting":{"reason":"ErrImagePull",
    "message":"x509: certificate signed by unknown authority"}}}]}})");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].what, HasSubstr("hub:8443/roadstead/agent:1"));
  EXPECT_THAT(found[0].what, HasSubstr("x509"));
  EXPECT_THAT(found[0].fix, HasSubstr("ctr -n k8s.io images import"));
}

TEST(Pods, NoCapacityIsToldInTheSchedulersWords) {
  const auto found = explain(R"({"metadata":{"name":"a"},"status":{"conditions":[
    {"type":"PodScheduled","status":"False","reason":"Unschedulable",
     "message":"0/1 nodes are available: 1 Insufficient memory."}]}})");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].what, HasSubstr("Insufficient memory"));
}

TEST(Pods, ACrashTellsTheAgentsOwnLastWords) {
  const auto found = explain(R"({"metadata":{"name":"a"},"status":{"containerStatuses":[
    {"image":"i","state":{"waiting":{"reason":"CrashLoopBackOff"}},
     "lastState":{"terminated":{"exitCode":8,"message":"hub.example: no such host\u001b[2J"}}}]}})");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].what, "the Agent ended with exit code 8: hub.example: no such host?[2J");
  const auto killed = explain(R"({"metadata":{"name":"a"},"status":{"containerStatuses":[
    {"image":"i","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}})");
  ASSERT_THAT(killed, SizeIs(1));
  EXPECT_THAT(killed[0].what, HasSubstr("memory"));
}

TEST(Pods, PodsThatAreNotMadeAreExplainedByTheEvent) {
  json::value events = kNothing;
  events.at("items").as_array().push_back(parse(
      R"({"type":"Warning","reason":"FailedCreate","message":"exceeded quota: q",
          "involvedObject":{"kind":"ReplicaSet","name":"r"}})"));
  const auto found = explain_pods(kNothing, events);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].what, HasSubstr("exceeded quota: q"));
}

TEST(Pods, EventsOfPodsThatAreGoneAreLeftOut) {
  const std::string_view waiting = R"({"metadata":{"name":"new"},"status":{}})";
  EXPECT_THAT(explain(waiting, R"({"type":"Warning","reason":"FailedMount","message":"m",
    "involvedObject":{"kind":"Pod","name":"old"}})"),
              IsEmpty());
  EXPECT_THAT(explain(waiting, R"({"type":"Warning","reason":"FailedMount","message":"m",
    "involvedObject":{"kind":"Pod","name":"new"}})"),
              SizeIs(1));
}

const std::string_view kCluster = R"({"metadata":{"name":"ack"},"status":{"phase":"Unreachable",
  "kubernetesVersion":"v1.36.3","lastSeen":"2026-11-22T07:59:20Z","conditions":[
  {"type":"TokenIssued","status":"True","reason":"TokenUsed","message":"used",
   "evidence":"used 2026-11-22T07:00:00Z","lastTransitionTime":"2026-11-22T07:00:00Z"},
  {"type":"Connected","status":"False","reason":"NoLane","message":"no lane is open",
   "evidence":"the last closed","fix":"look\u001b[2Jthere",
   "lastTransitionTime":"2026-11-22T07:59:30Z"},
  {"type":"Ready","status":"Unknown","reason":"Waiting","message":"waits for: lanes",
   "lastTransitionTime":"2026-11-22T07:59:30Z"}]}})";

TEST(Ladder, StepsWithEvidenceFixAndAges) {
  const WallTime now = *parse_rfc3339("2026-11-22T08:00:00Z");
  EXPECT_EQ(format_ladder(parse(kCluster), Palette(false), now),
            "ack  Unreachable  Kubernetes v1.36.3  last heard 40s ago\n"
            "What follows is as old as that.\n"
            "\n"
            "✓ TokenIssued         used; used 2026-11-22T07:00:00Z (1h ago)\n"
            "✗ Connected           no lane is open\n"
            "    seen:     the last closed\n"
            "    fix:      look?[2Jthere\n"
            "    since:    2026-11-22T07:59:30Z (30s ago)\n"
            "… Ready               waits for: lanes\n");
  EXPECT_FALSE(is_ready(parse(kCluster)));
  EXPECT_FALSE(is_connected(parse(kCluster)));
}

TEST(Ladder, OnlyChangesAreSaidAgain) {
  const json::value before = parse(kCluster);
  json::value after = before;
  EXPECT_THAT(changed_steps(json::value(), before), SizeIs(3));
  EXPECT_THAT(changed_steps(before, after), IsEmpty());
  after.at("status").at("conditions").as_array().at(2).as_object()["status"] = "True";
  EXPECT_THAT(changed_steps(before, after), SizeIs(1));
  EXPECT_TRUE(is_ready(after));
}

}  // namespace
}  // namespace roadstead::cli
