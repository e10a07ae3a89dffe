// SPDX-License-Identifier: Apache-2.0
#include "objects/ratchet.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"

namespace roadstead::objects {
namespace {

json::value yaml(std::string_view text) {
  auto parsed = codec::parse_yaml(text);
  CHECK(parsed.ok(), parsed.error().to_string());
  return parsed->front();
}

constexpr std::string_view kSchema = R"(
type: object
required: [need]
properties:
  need: {type: string}
  text: {type: string, maxLength: 3}
  plain: {type: array, items: {type: string, maxLength: 2}}
  map:
    type: array
    x-kubernetes-list-type: map
    x-kubernetes-list-map-keys: [name]
    items: {type: object, properties: {name: {type: string}, value: {type: string, maxLength: 2}}}
  nested: {type: object, required: [b], properties: {a: {type: string, maxLength: 2}, b: {type: string}}}
  free: {type: object, x-kubernetes-preserve-unknown-fields: true, required: [must]}
)";

// Which fields an update from `before` to `after` is refused for.
std::vector<std::string> refused(std::string_view before, std::string_view after) {
  auto schema = parse_schema(yaml(kSchema), "schema");
  CHECK(schema.ok(), schema.error().to_string());
  const json::value old = yaml(before);
  kube::FieldErrors errors;
  validate(**schema, yaml(after), "", errors, &old);
  std::vector<std::string> out;
  for (const kube::FieldError& error : errors) {
    out.push_back(error.field);
  }
  return out;
}

using Names = std::vector<std::string>;

TEST(Ratchet, WhatStaysMayBeWrong) {
  EXPECT_EQ(refused("{text: too long}", "{text: too long}"), Names());
  EXPECT_EQ(refused("{need: x, text: too long}", "{need: z, text: too long}"), Names());
  EXPECT_EQ(refused("{need: x, text: too long}", "{need: x, text: as long}"), Names{"text"});
  EXPECT_EQ(refused("{need: x}", "{need: x, text: too long}"), Names{"text"});
}

TEST(Ratchet, AMissingFieldCountsForItsObject) {
  EXPECT_EQ(refused("{text: a}", "{text: b}"), Names{"need"});
  EXPECT_EQ(refused("{need: x, nested: {a: abc}}", "{need: x, nested: {a: abc}}"), Names());
  EXPECT_EQ(refused("{need: x, nested: {a: abc}}", "{need: x, nested: {a: abc, b: x}}"), Names());
  EXPECT_EQ(refused("{need: x, nested: {a: abc}}", "{need: x, nested: {a: ab}}"),
            Names{"nested.b"});
}

TEST(Ratchet, OnlyItemsOfMapsAreFoundAgain) {
  EXPECT_EQ(refused("{need: x, plain: [abc]}", "{need: x, plain: [abc]}"), Names());
  EXPECT_EQ(refused("{need: x, plain: [abc]}", "{need: x, plain: [abc, d]}"), Names{"plain[0]"});
  EXPECT_EQ(refused("{need: x, map: [{name: a, value: abc}]}",
                    "{need: x, map: [{name: b}, {name: a, value: abc}]}"),
            Names());
  EXPECT_EQ(refused("{need: x, map: [{name: a, value: abc}]}",
                    "{need: x, map: [{name: a, value: abcd}]}"),
            Names{"map[0].value"});
}

TEST(Ratchet, FreeFieldsCountAsChanged) {
  EXPECT_EQ(refused("{need: x, free: {a: 1}}", "{need: x, free: {a: 1}}"), Names{"free.must"});
}

}  // namespace
}  // namespace roadstead::objects
