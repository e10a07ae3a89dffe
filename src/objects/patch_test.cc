// SPDX-License-Identifier: Apache-2.0
#include "objects/patch.h"

#include <gtest/gtest.h>

#include "kube/status.h"

namespace roadstead::objects {
namespace {

json::value parse(std::string_view text) {
  auto parsed = codec::parse_json(text);
  CHECK(parsed.ok(), parsed.error().to_string());
  return std::move(*parsed);
}

struct PatchCase {
  std::string_view document;
  std::string_view patch;
  std::string_view result;  // "" when it must fail
};

class JsonPatch : public testing::TestWithParam<PatchCase> {};

TEST_P(JsonPatch, FollowsRfc6902) {
  const PatchCase& c = GetParam();
  const auto result = apply_json_patch(parse(c.document), parse(c.patch));
  ASSERT_EQ(result.ok(), !c.result.empty());
  if (result.ok()) {
    EXPECT_EQ(*result, parse(c.result));
  }
}

// Appendix A of the RFC, its traps, and what the API server takes beyond it.
INSTANTIATE_TEST_SUITE_P(
    Rfc, JsonPatch,
    testing::Values(
        PatchCase{R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
                  R"({"baz":"qux","foo":"bar"})"},
        PatchCase{R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
                  R"({"foo":["bar","qux","baz"]})"},
        PatchCase{R"({"foo":["a"]})", R"([{"op":"add","path":"/foo/-","value":"b"}])",
                  R"({"foo":["a","b"]})"},
        PatchCase{R"({"foo":["a"]})", R"([{"op":"add","path":"/foo/3","value":"b"}])", ""},
        PatchCase{R"({"baz":1,"foo":2})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":2})"},
        PatchCase{R"({"foo":2})", R"([{"op":"remove","path":"/baz"}])", ""},
        PatchCase{R"({"foo":2})", R"([{"op":"replace","path":"/foo","value":3}])", R"({"foo":3})"},
        PatchCase{R"({"foo":2})", R"([{"op":"replace","path":"/x","value":3}])",
                  R"({"foo":2,"x":3})"},
        PatchCase{R"([1])", R"([{"op":"replace","path":"/3","value":3}])", ""},
        PatchCase{R"({"a":{"b":1},"c":{}})", R"([{"op":"move","from":"/a/b","path":"/c/d"}])",
                  R"({"a":{},"c":{"d":1}})"},
        PatchCase{R"({"a":[1,2,3]})", R"([{"op":"move","from":"/a/0","path":"/a/2"}])",
                  R"({"a":[2,3,1]})"},
        PatchCase{R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])",
                  R"({"a":{"b":1},"c":{"b":1}})"},
        PatchCase{R"({"a":1})", R"([{"op":"test","path":"/a","value":1}])", R"({"a":1})"},
        PatchCase{R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", ""},
        PatchCase{R"({"a/b":1,"m~n":2})", R"([{"op":"test","path":"/a~1b","value":1},
                  {"op":"test","path":"/m~0n","value":2}])",
                  R"({"a/b":1,"m~n":2})"},
        PatchCase{R"({"a":1})", R"([{"op":"odd","path":"/a"}])", ""},
        PatchCase{R"({"a":1})", R"([{"op":"add","path":"/b"}])", R"({"a":1,"b":null})"},
        PatchCase{R"({"a":1})", R"({"op":"add"})", ""},
        PatchCase{R"({"a":1})", R"([{"op":"add","path":"","value":{"z":1}}])", ""},
        PatchCase{R"({"a":1})", R"([{"op":"replace","path":"","value":{"z":1}}])", R"({"z":1})"},
        PatchCase{R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-1","value":3}])",
                  R"({"a":[1,2,3]})"},
        PatchCase{R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})"},
        PatchCase{R"({"a":1})", R"([{"op":"copy","from":"/x","path":"/b"}])",
                  R"({"a":1,"b":null})"}));

TEST(JsonPatch, StopsWhatGrowsWithoutBound) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) {
    patch += R"({"op":"copy","from":"/a","path":"/a/-"},)";
  }
  patch.back() = ']';
  const auto result = apply_json_patch(parse(R"({"a":["0123456789"]})"), parse(patch));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::PayloadTooLarge);
}

TEST(MergePatch, FollowsRfc7396) {
  const auto merge = [](std::string_view document, std::string_view patch) {
    json::value value = parse(document);
    apply_merge_patch(value, parse(patch));
    return value;
  };
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":null,"c":{"d":null,"e":1}})"), parse(R"({"c":{"e":1}})"));
  EXPECT_EQ(merge(R"({"a":[1]})", R"({"a":{"b":2}})"), parse(R"({"a":{"b":2}})"));
  EXPECT_EQ(merge(R"({"a":{"b":1,"c":2}})", R"({"a":{"c":3}})"), parse(R"({"a":{"b":1,"c":3}})"));
}

}  // namespace
}  // namespace roadstead::objects
