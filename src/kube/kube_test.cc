// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kube/media_type.h"
#include "kube/names.h"
#include "kube/object.h"
#include "kube/query.h"
#include "kube/request_info.h"
#include "kube/status.h"

namespace roadstead::kube {
namespace {

using Parts = std::vector<std::string>;

struct InfoCase {
  std::string_view method;
  std::string_view target;
  bool is_resource;
  std::string_view verb;
  std::string_view group;
  std::string_view version;
  std::string_view namespace_;
  std::string_view resource;
  std::string_view subresource;
  std::string_view name;
  Parts parts;
};

class RequestInfoTest : public testing::TestWithParam<InfoCase> {};

TEST_P(RequestInfoTest, IsReadAsTheApiServerDoes) {
  const InfoCase& c = GetParam();
  const auto info = parse_request_info(c.method, c.target);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->is_resource, c.is_resource);
  EXPECT_EQ(info->verb, c.verb);
  EXPECT_EQ(info->group, c.group);
  EXPECT_EQ(info->version, c.version);
  EXPECT_EQ(info->namespace_, c.namespace_);
  EXPECT_EQ(info->resource, c.resource);
  EXPECT_EQ(info->subresource, c.subresource);
  EXPECT_EQ(info->name, c.name);
  EXPECT_EQ(info->parts, c.parts);
}

// The table of k8s.io/apiserver's requestinfo_test.go, and what lies beside it.
INSTANTIATE_TEST_SUITE_P(
    Table, RequestInfoTest,
    testing::Values(
        InfoCase{"GET",
                 "/api/v1/namespaces",
                 true,
                 "list",
                 "",
                 "v1",
                 "",
                 "namespaces",
                 "",
                 "",
                 {"namespaces"}},
        InfoCase{"GET",
                 "/api/v1/namespaces/other",
                 true,
                 "get",
                 "",
                 "v1",
                 "other",
                 "namespaces",
                 "",
                 "other",
                 {"namespaces", "other"}},
        InfoCase{"GET",
                 "/api/v1/namespaces/other/pods",
                 true,
                 "list",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"GET",
                 "/api/v1/namespaces/other/pods/foo",
                 true,
                 "get",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "foo",
                 {"pods", "foo"}},
        InfoCase{"HEAD",
                 "/api/v1/namespaces/other/pods/foo",
                 true,
                 "get",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "foo",
                 {"pods", "foo"}},
        InfoCase{"GET", "/api/v1/pods", true, "list", "", "v1", "", "pods", "", "", {"pods"}},
        InfoCase{"HEAD", "/api/v1/pods", true, "list", "", "v1", "", "pods", "", "", {"pods"}},
        InfoCase{"GET",
                 "/api/v1/proxy/namespaces/other/pods/foo",
                 true,
                 "proxy",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "foo",
                 {"pods", "foo"}},
        InfoCase{"GET",
                 "/api/v1/proxy/namespaces/other/pods/foo/sub/not",
                 true,
                 "proxy",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "foo",
                 {"pods", "foo", "sub", "not"}},
        InfoCase{
            "GET", "/api/v1/watch/pods", true, "watch", "", "v1", "", "pods", "", "", {"pods"}},
        InfoCase{"GET",
                 "/api/v1/pods?watch=true",
                 true,
                 "watch",
                 "",
                 "v1",
                 "",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"GET",
                 "/api/v1/pods?watch=false",
                 true,
                 "list",
                 "",
                 "v1",
                 "",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"GET",
                 "/api/v1/watch/namespaces/other/pods",
                 true,
                 "watch",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"GET",
                 "/api/v1/namespaces/other/pods/foo/status",
                 true,
                 "get",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "status",
                 "foo",
                 {"pods", "foo", "status"}},
        InfoCase{"GET",
                 "/api/v1/namespaces/other/finalize",
                 true,
                 "get",
                 "",
                 "v1",
                 "other",
                 "namespaces",
                 "finalize",
                 "other",
                 {"namespaces", "other", "finalize"}},
        InfoCase{"DELETE",
                 "/api/v1/nodes",
                 true,
                 "deletecollection",
                 "",
                 "v1",
                 "",
                 "nodes",
                 "",
                 "",
                 {"nodes"}},
        InfoCase{"DELETE",
                 "/api/v1/namespaces/other/pods",
                 true,
                 "deletecollection",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"GET",
                 "/apis/extensions/v1/namespaces/other/pods",
                 true,
                 "list",
                 "extensions",
                 "v1",
                 "other",
                 "pods",
                 "",
                 "",
                 {"pods"}},
        InfoCase{"POST",
                 "/api/v1/namespaces/other/pods/foo/exec?command=ls",
                 true,
                 "create",
                 "",
                 "v1",
                 "other",
                 "pods",
                 "exec",
                 "foo",
                 {"pods", "foo", "exec"}},
        InfoCase{"OPTIONS", "/api/v1/pods", true, "", "", "v1", "", "pods", "", "", {"pods"}},
        InfoCase{"GET",
                 "/api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1",
                 true,
                 "watch",
                 "",
                 "v1",
                 "",
                 "nodes",
                 "",
                 "n1",
                 {"nodes"}},
        InfoCase{"DELETE",
                 "/api/v1/nodes?fieldSelector=metadata.name%3Dn1",
                 true,
                 "deletecollection",
                 "",
                 "v1",
                 "",
                 "nodes",
                 "",
                 "",
                 {"nodes"}},
        InfoCase{"GET", "/api", false, "get", "", "", "", "", "", "", {}},
        InfoCase{"GET", "/api/v1", false, "get", "", "", "", "", "", "", {}},
        InfoCase{"GET", "/apis/roadstead.io/v1alpha1", false, "get", "", "", "", "", "", "", {}},
        InfoCase{"GET", "/healthz/etcd/deep", false, "get", "", "", "", "", "", "", {}},
        InfoCase{"POST", "/", false, "post", "", "", "", "", "", "", {}},
        InfoCase{"GET",
                 "/apis/roadstead.io/v1alpha1/clusters/a%2Fb",
                 true,
                 "get",
                 "roadstead.io",
                 "v1alpha1",
                 "",
                 "clusters",
                 "b",
                 "a",
                 {"clusters", "a", "b"}}));

TEST(RequestInfo, RefusesWhatCannotBeRead) {
  EXPECT_FALSE(parse_request_info("GET", "/api/v1/watch").ok());
  EXPECT_FALSE(parse_request_info("GET", "/api/v1/pods/%zz").ok());
}

TEST(RequestInfo, KeepsSelectorsOfCollections) {
  const auto info =
      parse_request_info("GET", "/api/v1/pods?labelSelector=a%3Db&fieldSelector=x%3D1");
  EXPECT_EQ(info->label_selector, "a=b");
  EXPECT_EQ(info->field_selector, "x=1");
}

TEST(Status, IsWordedAsApimachineryDoes) {
  const GroupResource clusters{"roadstead.io", "clusters"};
  const Status missing = status_of(not_found(clusters, "a"));
  EXPECT_EQ(missing.code, 404);
  EXPECT_EQ(missing.message, "clusters.roadstead.io \"a\" not found");
  const Status bad = status_of(
      invalid("roadstead.io", "Cluster", "a",
              {required("spec.username"),
               kube::invalid("spec.agent.replicas", json::value(9),
                             "spec.agent.replicas in body should be less than or equal to 5")}));
  EXPECT_EQ(bad.code, 422);
  EXPECT_EQ(bad.message,
            "Cluster.roadstead.io \"a\" is invalid: [spec.username: Required value, "
            "spec.agent.replicas: Invalid value: 9: spec.agent.replicas in body should be less "
            "than or equal to 5]");
  ASSERT_EQ(bad.causes.size(), 2U);
  EXPECT_EQ(bad.causes[0].reason, "FieldValueRequired");
}

TEST(Status, SurvivesTheWayOutAndBack) {
  const Status before = status_of(object_modified({"roadstead.io", "clusters"}, "a"));
  const Status after = parse_status(before.code, to_body(before));
  EXPECT_EQ(after.code, 409);
  EXPECT_EQ(after.reason, "Conflict");
  EXPECT_EQ(after.message, before.message);
  EXPECT_EQ(after.kind, "clusters");
}

TEST(Status, NeverAsksForARetryByItself) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::Internal); ++kind) {
    EXPECT_EQ(status_of(Error(static_cast<ErrorKind>(kind), "x")).retry_after_seconds, 0);
  }
}

TEST(Names, AreCheckedAsTheApiServerDoes) {
  EXPECT_TRUE(is_dns1123_label("prod-1"));
  EXPECT_FALSE(is_dns1123_label("Prod"));
  EXPECT_FALSE(is_dns1123_label("-a"));
  EXPECT_FALSE(is_dns1123_label(""));
  EXPECT_FALSE(is_dns1123_label(std::string(64, 'a')));
  EXPECT_EQ(check_dns1123_label("a.b"), Complaints{"must not contain dots"});
  EXPECT_TRUE(is_dns1123_subdomain("a.b-c.example"));
  EXPECT_FALSE(is_dns1123_subdomain("a..b"));
  EXPECT_TRUE(is_label_key("example.com/MyName_1"));
  EXPECT_FALSE(is_label_key("/x"));
  EXPECT_FALSE(is_label_key("a/b/c"));
  EXPECT_TRUE(is_label_value(""));
  EXPECT_FALSE(is_label_value("with space"));
}

TEST(Negotiate, TakesTheFirstItCanServe) {
  const auto table = negotiate(
      "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
      "json;as=Table;v=v1beta1;g=meta.k8s.io,"
      "application/json");
  EXPECT_EQ(table->representation, Representation::Table);
  EXPECT_EQ(negotiate("application/vnd.kubernetes.protobuf,application/json")->representation,
            Representation::Object);
  EXPECT_EQ(status_of(negotiate("application/vnd.kubernetes.protobuf").error()).code, 406);
  EXPECT_EQ(negotiate("")->representation, Representation::Object);
  EXPECT_EQ(negotiate("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,"
                      "application/json",
                      true)
                ->representation,
            Representation::AggregatedDiscovery);
  EXPECT_TRUE(negotiate("application/json;q=0.1, application/yaml")->yaml);
}

TEST(Conditions, MoveTheirTimeOnlyWithTheirStatus) {
  json::object status;
  const WallTime start{std::chrono::seconds(1'800'000'000)};
  EXPECT_TRUE(set_condition(status, {"Ready", "False", "Waiting", "w", "", "do it"}, 1, start));
  EXPECT_FALSE(set_condition(status, {"Ready", "False", "Waiting", "w", "", "do it"}, 1, start));
  EXPECT_TRUE(set_condition(status, {"Ready", "False", "Slow", "w", "", ""}, 1,
                            start + std::chrono::seconds(5)));
  const json::value object{{"status", status}};
  const json::object* ready = find_condition(object, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->at("lastTransitionTime").as_string(), "2027-01-15T08:00:00Z");
  EXPECT_EQ(ready->if_contains("fix"), nullptr);
}

TEST(Query, IsReadAsGoDoes) {
  const Query q = Query::parse("a=1&b=x+y%21&a=2&broken=%zz&flag");
  EXPECT_EQ(q.get("a"), "1");
  EXPECT_EQ(q.get("b"), "x y!");
  EXPECT_FALSE(q.find("broken").has_value());
  EXPECT_TRUE(q.get_bool("flag"));
  EXPECT_EQ(q.all("a").size(), 2U);
  EXPECT_EQ(percent_encode("a/b c"), "a%2Fb%20c");
}

}  // namespace
}  // namespace roadstead::kube
