// SPDX-License-Identifier: Apache-2.0
#include "cli/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/yaml.h"

namespace roadstead::cli {
namespace {

using testing::HasSubstr;

KubeconfigEntry entry() {
  KubeconfigEntry e;
  e.name = "roadstead-ack";
  e.user_name = "roadstead-ada@hub:8443";
  e.server = "https://hub:8443";
  e.tls_server_name = "ack.clusters.roadstead.internal";
  e.ca_base64 = "Q0E=";
  e.command = "roadstead";
  e.arguments = {"credential", "--context", "hub:8443"};
  return e;
}

constexpr std::string_view kForeign = R"(# mine
apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: work
x-unknown: {deep: [1, 2, "3"]}
clusters:
- name: work
  cluster:
    server: https://work:6443
    extensions: [{name: e, extension: {a: b}}]
users:
- name: me
  user: {token: "012"}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: prod}
)";

json::value yaml(std::string_view text) {
  auto documents = codec::parse_yaml(text);
  EXPECT_TRUE(documents.ok()) << documents.error().message();
  return documents->front();
}

// Without our own entries, what is left.
json::value foreign_part(json::value root) {
  for (const char* list : {"clusters", "users", "contexts"}) {
    json::array& entries = root.as_object()[list].as_array();
    for (auto at = entries.begin(); at != entries.end();) {
      const bool ours = codec::string_at(*at, {"name"}).starts_with("roadstead-");
      at = ours ? entries.erase(at) : std::next(at);
    }
  }
  return root;
}

TEST(Kubeconfig, MergingKeepsEverythingThatIsNotOurs) {
  const auto merged = merge_kubeconfig(kForeign, entry(), false);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(foreign_part(yaml(*merged)), yaml(kForeign));
  const json::value root = yaml(*merged);
  EXPECT_EQ(codec::string_at(root, {"current-context"}), "work");
  const json::value ours = root.at("clusters").as_array().at(1);
  EXPECT_EQ(codec::string_at(ours, {"cluster", "tls-server-name"}),
            "ack.clusters.roadstead.internal");
  const json::value user = root.at("users").as_array().at(1);
  EXPECT_EQ(codec::string_at(user, {"user", "exec", "apiVersion"}),
            "client.authentication.k8s.io/v1");
  EXPECT_FALSE(codec::bool_at(user, {"user", "exec", "provideClusterInfo"}, true));
}

TEST(Kubeconfig, KeysKeepTheirOrder) {
  const auto merged = merge_kubeconfig(kForeign, entry(), false);
  ASSERT_TRUE(merged.ok());
  std::size_t at = 0;
  for (const char* key : {"apiVersion", "kind", "preferences", "current-context", "x-unknown",
                          "clusters", "users", "contexts"}) {
    const std::size_t next = merged->find(std::string(key) + ':', at);
    ASSERT_NE(next, std::string::npos) << key << " in\n" << *merged;
    at = next;
  }
}

TEST(Kubeconfig, MergingTwiceChangesNothingMore) {
  const auto once = merge_kubeconfig(kForeign, entry(), false);
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(*merge_kubeconfig(*once, entry(), false), *once);
}

TEST(Kubeconfig, TheCurrentContextChangesOnlyWhenAsked) {
  EXPECT_EQ(codec::string_at(yaml(*merge_kubeconfig(kForeign, entry(), true)), {"current-context"}),
            "roadstead-ack");
  EXPECT_EQ(codec::string_at(yaml(*merge_kubeconfig("", entry(), false)), {"current-context"}), "");
  EXPECT_EQ(codec::string_at(new_kubeconfig(entry()), {"current-context"}), "roadstead-ack");
}

TEST(Kubeconfig, AChosenNamespaceOfOurContextStays) {
  std::string text = *merge_kubeconfig(kForeign, entry(), false);
  json::value root = yaml(text);
  root.at("contexts").as_array().at(1).at("context").as_object()["namespace"] = "payments";
  const auto again = merge_kubeconfig(codec::write_yaml(root), entry(), false);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(
      codec::string_at(yaml(*again).at("contexts").as_array().at(1), {"context", "namespace"}),
      "payments");
}

TEST(Kubeconfig, WhatIsNoKubeconfigIsLeftAlone) {
  for (const char* text :
       {"kind: Deployment\n", "- a\n- b\n", "a: 1\n---\nb: 2\n", "{", "clusters: 3\n"}) {
    const auto merged = merge_kubeconfig(text, entry(), false);
    ASSERT_FALSE(merged.ok()) << text;
    EXPECT_EQ(merged.error().kind(), ErrorKind::InvalidArgument);
  }
}

TEST(Kubeconfig, TheFileIsTheOneThatKubectlWouldChange) {
  const auto exists = [](const std::string& path) { return path == "/b" || path == "/c"; };
  EXPECT_EQ(kubeconfig_to_change("", "/home/me", exists), "/home/me/.kube/config");
  EXPECT_EQ(kubeconfig_to_change("/a:/b:/c", "/h", exists), "/b");
  EXPECT_EQ(kubeconfig_to_change("/a:/x:", "/h", exists), "/x");
}

}  // namespace
}  // namespace roadstead::cli
