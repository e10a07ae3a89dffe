// SPDX-License-Identifier: Apache-2.0
// Sets of fields, merges and comparisons by type, and who owns what after an apply.
#include "objects/typed.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"
#include "objects/field_manager.h"
#include "objects/managed_fields.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kCrd = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.test.io}
spec:
  group: test.io
  scope: Cluster
  names: {plural: ships, singular: ship, kind: Ship}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer}
                tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                route: {type: array, items: {type: string}}
                ports:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name, protocol]
                  items:
                    type: object
                    required: [name]
                    properties:
                      name: {type: string}
                      protocol: {type: string, default: TCP}
                      number: {type: integer}
            status: {type: object, properties: {phase: {type: string}}}
)";

json::value yaml(std::string_view text) {
  auto parsed = codec::parse_yaml(text);
  EXPECT_TRUE(parsed.ok());
  return parsed->front();
}

class TypedTest : public ::testing::Test {
 protected:
  TypedTest() : kind_(std::move(*parse_kind(yaml(kCrd)))) {}

  const MergeType& root() const { return kind_->merge->root(); }
  json::value ship(std::string_view spec) const {
    json::value out = yaml("{apiVersion: test.io/v1, kind: Ship, metadata: {name: a}}");
    out.get_object()["spec"] = yaml(spec);
    return out;
  }
  Result<json::value> apply(const json::value* live, std::string_view manager,
                            std::string_view spec, bool force = false) const {
    return apply_config(*kind_, live, ship(spec), {std::string(manager), "", WallTime()}, force);
  }
  static std::string spec_of(const json::value& object) {
    return codec::write_json(object.at("spec"));
  }
  std::string fields_of_manager(const json::value& object, std::string_view manager) const {
    const json::value list = managed_fields_of(object);
    for (const json::value& entry : list.get_array()) {
      if (codec::string_at(entry, {"manager"}) == manager) {
        return codec::write_json(entry.at("fieldsV1"));
      }
    }
    return "";
  }

  std::unique_ptr<Kind> kind_;
};

TEST_F(TypedTest, FieldSetsKeepTheirJson) {
  const json::value fields = yaml(
      R"({"f:spec": {"f:ports": {"k:{\"name\":\"a\",\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}},
          "f:tags": {"v:\"x\"": {}}}})");
  auto set = FieldSet::from_json(fields);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(codec::write_json(set->to_json()), codec::write_json(fields));
  EXPECT_TRUE(set->without(*set).empty());
  EXPECT_EQ(set->united(*set).to_json(), set->to_json());
  EXPECT_EQ(set->common(*set).to_json(), set->to_json());
}

TEST_F(TypedTest, FieldSetsRefuseWhatIsNone) {
  for (const char* text : {"[]", "{\"x\": {}}", "{\"v:{\": {}}", "{\"k:1\": {}}", "{\"f:a\": 1}"}) {
    EXPECT_FALSE(FieldSet::from_json(yaml(text)).ok()) << text;
  }
}

TEST_F(TypedTest, NumbersAreComparedByValue) {
  EXPECT_TRUE(same_value(json::value(1), json::value(1.0)));
  EXPECT_FALSE(same_value(json::value(1), json::value("1")));
  EXPECT_TRUE(same_value(yaml("{a: 1, b: [2]}"), yaml("{b: [2.0], a: 1}")));
}

TEST_F(TypedTest, TheOrderOfSetsFollowsTheChange) {
  const json::value merged =
      merge_typed(root(), ship("{tags: [a, b, c]}"), ship("{tags: [c, a, d]}"));
  EXPECT_EQ(spec_of(merged), R"({"tags":["b","c","a","d"]})");
}

TEST_F(TypedTest, ItemsAreMergedByTheirKeysAndDefaults) {
  const json::value merged = merge_typed(root(), ship("{ports: [{name: a, number: 1}]}"),
                                         ship("{ports: [{name: a, protocol: TCP}]}"));
  EXPECT_EQ(codec::write_json(merged.at("spec").at("ports")),
            R"([{"name":"a","number":1,"protocol":"TCP"}])");
}

TEST_F(TypedTest, AnUnknownFieldIsNamed) {
  const auto checked = check_typed(root(), ship("{odd: 1}"), Duplicates::Refuse);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().message(), ".spec.odd: field not declared in schema");
}

TEST_F(TypedTest, AppliedFieldsHaveAnOwnerAndConflict) {
  auto first = apply(nullptr, "one", "{size: 1, tags: [a]}");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(fields_of_manager(*first, "one"),
            R"({"f:spec":{"f:size":{},"f:tags":{"v:\"a\"":{}}}})");
  const auto conflict = apply(&*first, "two", "{size: 2}");
  ASSERT_FALSE(conflict.ok());
  EXPECT_EQ(conflict.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(conflict.error().message(),
            "Apply failed with 1 conflict: conflict with \"one\": .spec.size");
  auto forced = apply(&*first, "two", "{size: 2}", true);
  ASSERT_TRUE(forced.ok());
  EXPECT_EQ(fields_of_manager(*forced, "one"), R"({"f:spec":{"f:tags":{"v:\"a\"":{}}}})");
  EXPECT_EQ(fields_of_manager(*forced, "two"), R"({"f:spec":{"f:size":{}}})");
}

TEST_F(TypedTest, WhatIsNoLongerAppliedGoesUnlessAnotherOwnsIt) {
  auto first = apply(nullptr, "one", "{size: 1, tags: [a, b], route: [x]}");
  ASSERT_TRUE(first.ok());
  auto second = apply(&*first, "two", "{tags: [b]}");
  ASSERT_TRUE(second.ok());
  auto third = apply(&*second, "one", "{route: [x]}");
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(spec_of(*third), R"({"tags":["b"],"route":["x"]})");
}

TEST_F(TypedTest, AnUpdateTakesTheFieldsThatItChanges) {
  auto live = apply(nullptr, "one", "{size: 1, tags: [a]}");
  ASSERT_TRUE(live.ok());
  live->get_object()["metadata"].get_object()["uid"] = "u";
  json::value changed = *live;
  changed.get_object()["spec"].get_object()["size"] = 2;
  track_update(*kind_, &*live, changed, {"editor", "", WallTime()});
  EXPECT_EQ(fields_of_manager(changed, "editor"), R"({"f:spec":{"f:size":{}}})");
  EXPECT_EQ(fields_of_manager(changed, "one"), R"({"f:spec":{"f:tags":{"v:\"a\"":{}}}})");
}

TEST_F(TypedTest, OlderUpdatesArePutTogether) {
  ManagedFields managed;
  for (int i = 0; i < 12; ++i) {
    FieldSet fields;
    fields.insert({PathElement::field("f" + std::to_string(i))});
    managed[{"m" + std::to_string(i), "Update", "test.io/v1", ""}] = {"test.io/v1", "", fields};
  }
  cap_managers(managed);
  EXPECT_EQ(managed.size(), 10u);
  EXPECT_TRUE(managed.contains({"ancient-changes", "Update", "test.io/v1", ""}));
}

TEST_F(TypedTest, OnlyTimesDiffer) {
  auto live = apply(nullptr, "one", "{size: 1}");
  ASSERT_TRUE(live.ok());
  json::value later = *live;
  later.get_object()["metadata"].get_object()["managedFields"].get_array()[0].get_object()["time"] =
      "2030-01-01T00:00:00Z";
  EXPECT_TRUE(only_times_differ(*live, later));
  later.get_object()["spec"].get_object()["size"] = 3;
  EXPECT_FALSE(only_times_differ(*live, later));
}

}  // namespace
}  // namespace roadstead::objects
