// SPDX-License-Identifier: Apache-2.0
#include "objects/strategic_patch.h"

#include <gtest/gtest.h>

#include "objects/kind.h"

namespace roadstead::objects {
namespace {

json::value parse(std::string_view text) {
  auto parsed = codec::parse_json(text);
  CHECK(parsed.ok(), parsed.error().to_string());
  return std::move(*parsed);
}

class StrategicPatchTest : public testing::Test {
 protected:
  StrategicPatchTest() : kinds_(std::move(*KindRegistry::builtin())) {}

  // The document after the patch, or what is wrong with the patch.
  std::string patched(std::string_view document, std::string_view patch) {
    json::value out = parse(document);
    const MergeType& type = kinds_.find_kind("", "Namespace")->merge->root();
    const auto done = apply_strategic_patch(type, out, parse(patch));
    return done.ok() ? codec::write_json(out) : done.error().message();
  }

  KindRegistry kinds_;
};

TEST_F(StrategicPatchTest, MergesMapsAndDropsNulls) {
  EXPECT_EQ(patched(R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
                    R"({"metadata":{"labels":{"a":null,"c":"3"}}})"),
            R"({"metadata":{"labels":{"b":"2","c":"3"}}})");
  EXPECT_EQ(patched("{}", R"({"metadata":{"labels":{"a":null,"b":"1"}}})"),
            R"({"metadata":{"labels":{"b":"1"}}})");
}

TEST_F(StrategicPatchTest, MergesSetsInTheOrderOfThePatch) {
  EXPECT_EQ(patched(R"({"metadata":{"finalizers":["a","b"]}})",
                    R"({"metadata":{"finalizers":["c","a"]}})"),
            R"({"metadata":{"finalizers":["c","a","b"]}})");
  EXPECT_EQ(patched(R"({"metadata":{"finalizers":["a","b"]}})",
                    R"({"metadata":{"$setElementOrder/finalizers":["b","a"]}})"),
            R"({"metadata":{"finalizers":["b","a"]}})");
  EXPECT_EQ(patched(R"({"metadata":{"finalizers":["a","b"]}})",
                    R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})"),
            R"({"metadata":{"finalizers":["b"]}})");
}

TEST_F(StrategicPatchTest, ReplacesAtomicLists) {
  EXPECT_EQ(patched(R"({"spec":{"finalizers":["a","b"]}})", R"({"spec":{"finalizers":["c"]}})"),
            R"({"spec":{"finalizers":["c"]}})");
}

TEST_F(StrategicPatchTest, FindsItemsByTheirKey) {
  constexpr std::string_view kTwo =
      R"({"status":{"conditions":[{"type":"A","status":"True"},{"type":"B","status":"True"}]}})";
  EXPECT_EQ(patched(kTwo, R"({"status":{"conditions":[{"type":"B","status":"False"}]}})"),
            R"({"status":{"conditions":[{"type":"A","status":"True"},)"
            R"({"type":"B","status":"False"}]}})");
  EXPECT_EQ(patched(kTwo, R"({"status":{"conditions":[{"type":"A","$patch":"delete"}]}})"),
            R"({"status":{"conditions":[{"type":"B","status":"True"}]}})");
  EXPECT_EQ(patched(kTwo, R"({"status":{"conditions":[{"$patch":"replace"},{"type":"C"}]}})"),
            R"({"status":{"conditions":[{"type":"C"}]}})");
  EXPECT_EQ(patched(kTwo, R"({"status":{"conditions":[{"status":"False"}]}})"),
            R"(map: {"status":"False"} does not contain declared merge key: type)");
}

TEST_F(StrategicPatchTest, FollowsDirectivesOfMaps) {
  constexpr std::string_view kLabels = R"({"metadata":{"labels":{"a":"1","b":"2"}}})";
  EXPECT_EQ(patched(kLabels, R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})"),
            R"({"metadata":{"labels":{"c":"3"}}})");
  EXPECT_EQ(patched(kLabels, R"({"metadata":{"labels":{"$patch":"delete"}}})"),
            R"({"metadata":{"labels":{}}})");
  EXPECT_EQ(patched(kLabels, R"({"metadata":{"labels":{"$retainKeys":["b"]}}})"),
            R"({"metadata":{"labels":{"b":"2"}}})");
  EXPECT_EQ(patched(kLabels, R"({"metadata":{"labels":{"$patch":"odd"}}})"),
            "Unknown patch type found: odd");
  EXPECT_EQ(patched(kLabels, R"({"metadata":{"$setElementOrder/finalizers":1}})"),
            "invalid patch format of $setElementOrder");
}

}  // namespace
}  // namespace roadstead::objects
