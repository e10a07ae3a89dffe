// SPDX-License-Identifier: Apache-2.0
#include "registry/manifest.h"

#include <gtest/gtest.h>

#include <set>

#include "codec/base64.h"
#include "codec/yaml.h"

namespace roadstead::registry {
namespace {

namespace json = codec::json;

ManifestValues values() {
  ManifestValues v;
  v.cluster = "idc-k8s";
  v.cluster_uid = "6f2c1e1e-0000-4000-8000-000000000001";
  v.login = "admin";
  v.member_user = "rs:admin:6f2c1e1e";
  v.hub = "192.0.2.1:8443";
  v.hub_roots_pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
  v.user_roots_pem = v.hub_roots_pem;
  v.image = "192.0.2.1:8443/roadstead/agent:0.1.0";
  v.created = "2026-11-22T00:00:00Z";
  v.token_expires = "2026-11-22T01:00:00Z";
  v.token = Secret("rst_abc");
  return v;
}

std::vector<json::value> objects() {
  const auto text = render_manifest(values());
  EXPECT_TRUE(text.ok());
  auto parsed = codec::parse_yaml(text->reveal());
  EXPECT_TRUE(parsed.ok()) << parsed.error().to_string();
  return *parsed;
}

TEST(Manifest, EverythingIsLabelledForRemoval) {
  const auto all = objects();
  EXPECT_EQ(all.size(), 13U);
  for (const json::value& object : all) {
    EXPECT_EQ(codec::string_at(object, {"metadata", "labels", "app.kubernetes.io/part-of"}),
              "roadstead")
        << codec::write_json(object);
  }
}

TEST(Manifest, TheTokenStandsOnceAndOnlyInTheSecret) {
  for (const json::value& object : objects()) {
    const bool has =
        codec::write_json(object).find(codec::base64_encode("rst_abc")) != std::string::npos;
    EXPECT_EQ(has, codec::string_at(object, {"kind"}) == "Secret");
  }
}

TEST(Manifest, GrantsNothingBeyondWhatItsHeadSays) {
  std::set<std::string> verbs;
  for (const json::value& object : objects()) {
    if (const json::value* rules = codec::find(object, {"rules"}); rules != nullptr) {
      for (const json::value& rule : rules->as_array()) {
        for (const json::value& verb : rule.at("verbs").as_array()) {
          verbs.insert(std::string(verb.as_string()));
        }
        const bool named = rule.as_object().contains("resourceNames");
        const bool extra = codec::write_json(rule).find("userextras") != std::string::npos;
        EXPECT_TRUE(named || extra) << codec::write_json(rule);
      }
    }
  }
  EXPECT_EQ(verbs, (std::set<std::string>{"get", "impersonate", "update", "watch"}));
}

TEST(Manifest, RefusesValuesThatCouldChangeTheYaml) {
  for (const char* bad : {"a\nb", "a\"b", "a b", "${TOKEN}", "", "a#b"}) {
    ManifestValues v = values();
    v.login = bad;
    EXPECT_FALSE(render_manifest(v).ok()) << bad;
  }
}

}  // namespace
}  // namespace roadstead::registry
