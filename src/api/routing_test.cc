// SPDX-License-Identifier: Apache-2.0
#include "api/routing.h"

#include <gtest/gtest.h>

namespace roadstead::api {
namespace {

constexpr std::string_view kZone = "clusters.roadstead.internal";

Route route(std::string_view sni, std::string_view host, std::string_view target) {
  return route_request(sni, host, target, kZone);
}

TEST(Routing, TheServerNameAloneRoutes) {
  const Route r = route("ack.clusters.roadstead.internal", "192.0.2.1:8443", "/api/v1/pods?x=%2F");
  EXPECT_EQ(r.kind, Route::Kind::Cluster);
  EXPECT_EQ(r.cluster, "ack");
  EXPECT_EQ(r.target, "/api/v1/pods?x=%2F");
}

TEST(Routing, OnAClustersHostThePathFormIsAnOrdinaryPath) {
  const Route r = route("ack.clusters.roadstead.internal", "h", "/clusters/other/api");
  EXPECT_EQ(r.cluster, "ack");
  EXPECT_EQ(r.target, "/clusters/other/api");
}

TEST(Routing, AnotherClustersHostOnTheConnectionIsMisdirected) {
  EXPECT_EQ(
      route("ack.clusters.roadstead.internal", "idc.clusters.roadstead.internal:8443", "/").kind,
      Route::Kind::Misdirected);
  EXPECT_EQ(route("hub.roadstead.internal", "idc.clusters.roadstead.internal", "/").kind,
            Route::Kind::Misdirected);
}

TEST(Routing, ThePathFormIsPassedOnByteForByte) {
  EXPECT_EQ(route("", "h", "/clusters/idc-k8s/api/v1/%7Ex//y?watch=1").target,
            "/api/v1/%7Ex//y?watch=1");
  EXPECT_EQ(route("", "h", "/clusters/idc-k8s").target, "/");
  EXPECT_EQ(route("", "h", "/clusters/idc-k8s?x").target, "/?x");
}

TEST(Routing, OddNamesAreNotClusters) {
  for (const char* target :
       {"/clusters/", "/clusters/..%2Fa/", "/clusters/A/", "/clusters/-a/", "/clusters/%61ck/"}) {
    EXPECT_EQ(route("", "h", target).kind, Route::Kind::NotFound) << target;
  }
  EXPECT_EQ(route("a.b.clusters.roadstead.internal", "h", "/x").kind, Route::Kind::Hub);
  EXPECT_EQ(route("clusters.roadstead.internal", "h", "/x").kind, Route::Kind::Hub);
  EXPECT_EQ(route("xclusters.roadstead.internal", "h", "/x").kind, Route::Kind::Hub);
}

TEST(Routing, EverythingElseIsTheHubs) {
  EXPECT_EQ(route("", "h", "/apis/roadstead.io/v1alpha1/clusters").kind, Route::Kind::Hub);
}

}  // namespace
}  // namespace roadstead::api
