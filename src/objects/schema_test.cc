// SPDX-License-Identifier: Apache-2.0
#include "objects/schema.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"
#include "objects/kind.h"

namespace roadstead::objects {
namespace {

json::value yaml(std::string_view text) {
  auto parsed = codec::parse_yaml(text);
  CHECK(parsed.ok(), parsed.error().to_string());
  return parsed->front();
}

std::unique_ptr<Schema> schema(std::string_view text) {
  auto parsed = parse_schema(yaml(text), "schema");
  CHECK(parsed.ok(), parsed.error().to_string());
  return std::move(*parsed);
}

std::vector<std::string> errors(const Schema& s, std::string_view value) {
  kube::FieldErrors out;
  validate(s, yaml(value), "", out);
  validate_lists(s, yaml(value), "", out);
  std::vector<std::string> texts;
  for (const kube::FieldError& error : out) {
    texts.push_back(error.to_string());
  }
  return texts;
}

using Texts = std::vector<std::string>;

constexpr std::string_view kExample = R"(
type: object
required: [name]
properties:
  name: {type: string, minLength: 2, maxLength: 5, pattern: '^[a-z]+$'}
  count: {type: integer, minimum: 1, maximum: 5, default: 2}
  mode: {type: string, enum: [A, B]}
  when: {type: string, format: date-time}
  data: {type: string, format: byte}
  flag: {type: boolean}
  port: {x-kubernetes-int-or-string: true}
  tags: {type: array, x-kubernetes-list-type: set, maxItems: 2, items: {type: string}}
  steps:
    type: array
    x-kubernetes-list-type: map
    x-kubernetes-list-map-keys: [type]
    items:
      type: object
      required: [type]
      properties: {type: {type: string}, n: {type: integer, default: 7}}
  labels: {type: object, additionalProperties: {type: string}}
  free: {type: object, x-kubernetes-preserve-unknown-fields: true}
)";

TEST(Schema, AcceptsWhatFits) {
  EXPECT_EQ(errors(*schema(kExample),
                   "{name: abc, count: 5, mode: A, when: '2026-01-01T00:00:00Z', data: aGk=, "
                   "port: http, tags: [a, b], steps: [{type: x}, {type: z}], labels: {a: b}}"),
            Texts{});
}

TEST(Schema, SaysWhatIsWrongAsTheApiServerDoes) {
  const auto s = schema(kExample);
  EXPECT_EQ(errors(*s, "{}"), Texts{"name: Required value"});
  EXPECT_EQ(errors(*s, "{name: A1, count: 9}"),
            (Texts{"name: Invalid value: \"A1\": name in body should match '^[a-z]+$'",
                   "count: Invalid value: 9: count in body should be less than or equal to 5"}));
  EXPECT_EQ(errors(*s, "{name: abcdefg}"), Texts{"name: Too long: may not be more than 5 bytes"});
  EXPECT_EQ(errors(*s, "{name: a}"),
            Texts{"name: Invalid value: \"a\": name in body should be at least 2 chars long"});
  EXPECT_EQ(errors(*s, "{name: abc, mode: C}"),
            Texts{"mode: Unsupported value: \"C\": supported values: \"A\", \"B\""});
  EXPECT_EQ(errors(*s, "{name: abc, flag: 'x'}"),
            Texts{"flag: Invalid value: \"string\": flag in body must be of type boolean: "
                  "\"string\""});
  EXPECT_EQ(
      errors(*s, "{name: abc, when: soon}"),
      Texts{"when: Invalid value: \"soon\": when in body must be of type date-time: \"soon\""});
  EXPECT_EQ(errors(*s, "{name: abc, tags: [a, a]}"), Texts{"tags[1]: Duplicate value: \"a\""});
  EXPECT_EQ(errors(*s, "{name: abc, tags: [a, b, c]}"),
            Texts{"tags: Too many: 3: must have at most 2 items"});
  EXPECT_EQ(errors(*s, "{name: abc, steps: [{type: x}, {type: x}]}"),
            Texts{"steps[1]: Duplicate value: {\"type\":\"x\"}"});
  EXPECT_EQ(errors(*s, "{name: abc, labels: {a: 1}}"),
            Texts{"labels.a: Invalid value: \"integer\": labels.a in body must be of type string: "
                  "\"integer\""});
}

TEST(Schema, PrunesWhatItDoesNotKnow) {
  json::value object = yaml(
      "{apiVersion: v1, kind: X, metadata: {name: a, odd: 1}, name: abc, extra: 1, "
      "steps: [{type: x, more: 2}], free: {any: thing}}");
  EXPECT_EQ(prune(*schema(kExample), object), (Texts{"extra", "steps[0].more"}));
  EXPECT_EQ(object, yaml("{apiVersion: v1, kind: X, metadata: {name: a, odd: 1}, name: abc, "
                         "steps: [{type: x}], free: {any: thing}}"));
}

TEST(Schema, PutsDefaultsIn) {
  json::value object = yaml("{name: abc, count: null, steps: [{type: x}]}");
  apply_defaults(*schema(kExample), object);
  EXPECT_EQ(object, yaml("{name: abc, count: 2, steps: [{type: x, n: 7}]}"));
}

TEST(Schema, AlternativesAreCounted) {
  const auto s = schema(
      "{type: object, properties: {a: {type: string}, b: {type: string}}, "
      "oneOf: [{required: [a]}, {required: [b]}]}");
  EXPECT_EQ(errors(*s, "{a: x}"), Texts{});
  const Texts none = errors(*s, "{}");
  ASSERT_EQ(none.size(), 2U);  // and what is wrong with the first alternative
  EXPECT_EQ(none.front(), "a: Required value");
  EXPECT_EQ(none.back(),
            "<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found "
            "none valid");
  EXPECT_EQ(errors(*s, "{a: x, b: z}").size(), 1U);
}

TEST(Schema, RefusesWhatItDoesNotSupport) {
  for (const std::string_view text :
       {"{type: object, x-kubernetes-validations: []}", "{type: odd}", "{properties: {}}",
        "{type: array}", "{type: string, default: 3}", "{type: string, pattern: '(?=x)'}",
        "{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}"}) {
    EXPECT_FALSE(parse_schema(yaml(text), "schema").ok()) << text;
  }
}

TEST(Pattern, MatchesLikeRe2) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    auto compiled = Pattern::compile(pattern);
    CHECK(compiled.ok(), compiled.error().to_string());
    return compiled->search(text);
  };
  EXPECT_TRUE(matches("^a*$", std::string(100'000, 'a')));
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_TRUE(matches("^(ab|cd){2,3}$", "abcdab"));
  EXPECT_FALSE(matches("^(ab|cd){2,3}$", "ab"));
  EXPECT_FALSE(matches("^(ab|cd){2,3}$", "abababab"));
  EXPECT_TRUE(matches("^[^a-c\\]]+$", "xyz"));
  EXPECT_FALSE(matches("^[^a-c\\]]+$", "x]"));
  EXPECT_TRUE(matches("^\\d+(\\.\\d+)?$", "12.5"));
  EXPECT_TRUE(matches("^$", ""));
  EXPECT_TRUE(matches("a|b|c", "c"));
  EXPECT_TRUE(matches("^(a|b|)x$", "x"));
  // Exponential for a backtracking matcher.
  EXPECT_FALSE(matches("^(a*)*$", std::string(5000, 'a') + "b"));
  for (const std::string_view bad : {"(", ")", "[a", "*a", "a{2000}", "a**", "\\q", "(?<n>a)"}) {
    EXPECT_FALSE(Pattern::compile(bad).ok()) << bad;
  }
}

TEST(JsonPath, FindsTheFirst) {
  const json::value object = yaml(
      "{status: {conditions: [{type: A, status: 'False'}, {type: Ready, status: 'True'}]}, "
      "metadata: {labels: {a.b/c: x}}}");
  const auto first = [&](std::string_view path) {
    auto compiled = JsonPath::compile(path);
    CHECK(compiled.ok(), compiled.error().to_string());
    const json::value* found = compiled->first(object);
    return found == nullptr ? std::string("none") : std::string(found->as_string());
  };
  EXPECT_EQ(first(".status.conditions[?(@.type==\"Ready\")].status"), "True");
  EXPECT_EQ(first(".status.conditions[0].type"), "A");
  EXPECT_EQ(first(".status.conditions[*].status"), "False");
  EXPECT_EQ(first(".metadata.labels['a.b/c']"), "x");
  EXPECT_EQ(first(".metadata.labels.a\\.b/c"), "x");
  EXPECT_EQ(first(".status.nothing.here"), "none");
  for (const std::string_view bad : {"", "a", ".a[", ".a[?(@.x>1)]", "..a"}) {
    EXPECT_FALSE(JsonPath::compile(bad).ok()) << bad;
  }
}

TEST(Kinds, OfTheProgramAreReadable) {
  const auto kinds = KindRegistry::builtin();
  ASSERT_TRUE(kinds.ok()) << kinds.error().to_string();
  const Kind* clusters = kinds->find("roadstead.io", "v1alpha1", "clusters");
  ASSERT_NE(clusters, nullptr);
  EXPECT_TRUE(clusters->has_status);
  EXPECT_EQ(clusters->columns.front().name, "Phase");
}

}  // namespace
}  // namespace roadstead::objects
