// SPDX-License-Identifier: Apache-2.0
#include "stub/plan.h"

#include <gtest/gtest.h>

#include "kube/status.h"
#include "tunnel/protocol.h"

namespace roadstead::stub {
namespace {

http::RequestHead request(std::string method,
                          std::initializer_list<std::pair<const char*, const char*>> fields = {}) {
  http::RequestHead head;
  head.method = std::move(method);
  for (const auto& [name, value] : fields) {
    head.headers.add(name, value);
  }
  return head;
}

TEST(Plan, OnlyReadsWithoutABodyMayBeRepeated) {
  const auto repeatable = [](const char* method, const char* target, bool empty) {
    return make_plan(request(method), target, empty, "id")->repeatable;
  };
  EXPECT_TRUE(repeatable("GET", "/api/v1/pods", true));
  EXPECT_FALSE(repeatable("GET", "/api/v1/pods", false));
  EXPECT_FALSE(repeatable("POST", "/api/v1/namespaces", true));
  EXPECT_FALSE(repeatable("DELETE", "/api/v1/namespaces/a", true));
  EXPECT_FALSE(repeatable("GET", "/api/v1/namespaces/a/services/s/proxy/x", true));
  EXPECT_FALSE(repeatable("GET", "/api/v1/proxy/namespaces/a/services/s/", true));
}

TEST(Plan, AnUpgradeBecomesAnExtendedConnectWithoutLength) {
  const auto plan = make_plan(request("POST", {{"connection", "Upgrade"},
                                               {"upgrade", "SPDY/3.1"},
                                               {"content-length", "0"},
                                               {"x-stream-protocol-version", "v4.channel.k8s.io"}}),
                              "/api/v1/namespaces/a/pods/p/exec?command=ls", true, "id");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->head.method, "CONNECT");
  EXPECT_EQ(plan->head.protocol, "spdy/3.1");
  EXPECT_EQ(*plan->head.headers.find(tunnel::kMethodField), "POST");
  EXPECT_FALSE(plan->head.headers.has("content-length"));
  EXPECT_TRUE(plan->head.headers.has("x-stream-protocol-version"));
  EXPECT_FALSE(plan->repeatable);
}

TEST(Plan, ImpersonationIsRefusedWithAReason) {
  const auto plan = make_plan(request("GET", {{"impersonate-user", "root"}}), "/api", true, "id");
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(kube::status_of(plan.error()).code, 403);
  EXPECT_NE(plan.error().message().find("--as"), std::string::npos);
}

TEST(Plan, DotSegmentsAreRefusedInEveryEncodingOutsideOfProxy) {
  for (const char* bad : {"/api/../x", "/api/./x", "/..", "/api/%2e%2E/x", "/api/.%2e/x",
                          "/api/%2e", "/a/..%2fb", "/a/..%5cb", "/a/..\\b", "/a/%2e%2e%2Fb"}) {
    EXPECT_FALSE(make_plan(request("GET"), bad, true, "id").ok()) << bad;
  }
  for (const char* good : {"/api/v1/namespaces/a/pods/p.x", "/apis/a.b.c/v1", "/api/v1/x?a=../b",
                           "/api/v1/namespaces/a/services/s/proxy/../x"}) {
    EXPECT_TRUE(make_plan(request("GET"), good, true, "id").ok()) << good;
  }
}

TEST(Plan, ABrowserCannotNavigateIntoAMember) {
  EXPECT_FALSE(
      make_plan(request("GET", {{"sec-fetch-dest", "document"}}), "/api", true, "id").ok());
  EXPECT_TRUE(make_plan(request("GET", {{"sec-fetch-dest", "empty"}}), "/api", true, "id").ok());
}

TEST(Plan, ConnectAndOddUpgradesAreRefused) {
  EXPECT_FALSE(make_plan(request("CONNECT"), "/api", true, "id").ok());
  EXPECT_FALSE(
      make_plan(request("GET", {{"connection", "upgrade"}, {"upgrade", "h2c"}}), "/api", true, "id")
          .ok());
  EXPECT_FALSE(make_plan(request("PUT", {{"connection", "upgrade"}, {"upgrade", "websocket"}}),
                         "/api", true, "id")
                   .ok());
}

}  // namespace
}  // namespace roadstead::stub
