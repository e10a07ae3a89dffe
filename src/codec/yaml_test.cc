// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace roadstead::codec {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text, YamlLimits limits = {}) {
  const auto r = parse_yaml(text, limits);
  return r.ok() ? "accepted" : r.error().message();
}

TEST(Yaml, ReadsSeveralDocumentsAndLeavesOutEmptyOnes) {
  const auto r =
      parse_yaml("# head\n---\na: 1\n---\n---\n# only a comment\n---\nnull\n---\n- b\n...\n");
  ASSERT_TRUE(r.ok()) << r.error().message();
  ASSERT_EQ(r->size(), 2U);
  EXPECT_EQ(write_json((*r)[0]), R"({"a":1})");
  EXPECT_EQ(write_json((*r)[1]), R"(["b"])");
  EXPECT_TRUE(parse_yaml("")->empty());
}

TEST(Yaml, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("a: 1\nb: [1\nc: 2"), HasSubstr("line 3"));
  EXPECT_THAT(error_of("a: 1\n b: 2"), HasSubstr("line 2, column 3"));
  EXPECT_THAT(error_of("a:\n  - *x"), HasSubstr("line 2, column 5: unknown anchor \"x\""));
  EXPECT_THAT(error_of("a: \x01"), HasSubstr("control characters"));
}

// Stricter than kubectl, on purpose: what parsers disagree on is refused.
TEST(Yaml, RefusesDuplicateKeys) {
  EXPECT_THAT(error_of("a: 1\nb: 2\na: 3"), HasSubstr("line 3, column 1: the key \"a\""));
  EXPECT_THAT(error_of("yes: 1\ntrue: 2"), HasSubstr("stands twice"));
  EXPECT_THAT(error_of("1: a\n'1': b"), HasSubstr("stands twice"));
  EXPECT_THAT(error_of(R"({"a": 1, "a": 2})"), HasSubstr("stands twice"));
  EXPECT_EQ(error_of("b:\n  <<: {a: 1}\n  a: 2"), "accepted")
      << "writing over a merge is the use of it";
}

TEST(Yaml, RefusesWhatIsNotUtf8) {
  EXPECT_FALSE(parse_yaml("a: \xff").ok());
  EXPECT_FALSE(parse_yaml(std::string_view("\xff\xfe"
                                           "a\0:\0",
                                           6))
                   .ok());
  EXPECT_FALSE(parse_yaml("a: !!binary gIGC").ok());
}

TEST(Yaml, JsonIsReadAsJson) {
  EXPECT_EQ(write_json(parse_yaml("{\"a\":\"\\ud83d\\ude00\"}")->front()),
            "{\"a\":\"\xF0\x9F\x98\x80\"}");
  EXPECT_EQ(write_json(parse_yaml("{a: yes}")->front()), "{\"a\":true}");
}

TEST(Yaml, AliasesCannotBlowUp) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int k = 0; k < 9; ++k) {
      bomb += ", " + below;
    }
    bomb += "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("too many values"));

  // Few values, but large ones.
  std::string large = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb:\n";
  for (int i = 0; i < 1000; ++i) {
    large += "- *a\n";
  }
  EXPECT_THAT(error_of(large), HasSubstr("too many values"));
}

TEST(Yaml, DepthIsLimitedThroughAliasesToo) {
  EXPECT_THAT(error_of(std::string(101, '[') + std::string(101, ']')),
              HasSubstr("deeper than 100"));
  EXPECT_EQ(error_of(std::string(100, '[') + std::string(100, ']')), "accepted");
  std::string chain = "a0: &a0 []\n";
  for (int i = 1; i < 120; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  }
  EXPECT_THAT(error_of(chain), HasSubstr("deeper than 100"));
  EXPECT_THAT(error_of("a: &x [1]\nb: &x [*x]"), HasSubstr("contains itself"));
}

TEST(Yaml, SizeIsLimited) {
  const auto r = parse_yaml("a: 1", {.max_bytes = 3});
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().kind(), ErrorKind::PayloadTooLarge);
}

TEST(YamlWrite, LooksAsKubectlWritesIt) {
  const auto v = *parse_json(
      R"({"apiVersion":"v1","items":[{"a":1,"b":[true,null]},[1,[2]],{}],"empty":{},"none":[],
          "text":"one\ntwo\n","yes":"no","v":"1.10","image":"nginx:1.25","when":"2026-11-22"})");
  EXPECT_EQ(write_yaml(v), R"(apiVersion: v1
items:
- a: 1
  b:
  - true
  - null
- - 1
  - - 2
- {}
empty: {}
none: []
text: |
  one
  two
"yes": "no"
v: "1.10"
image: nginx:1.25
when: "2026-11-22"
)");
}

TEST(YamlWrite, WhatIsWrittenIsReadBack) {
  for (const char* text : {"",
                           " ",
                           "a ",
                           " a",
                           "~",
                           "null",
                           "yes",
                           "NO",
                           "0",
                           "0x1f",
                           "1e3",
                           ".5",
                           "-",
                           "- a",
                           "a: b",
                           "a:",
                           "#",
                           "a #b",
                           "a#b",
                           "x\n",
                           "x\n\n",
                           "\nx",
                           "x\n  y\n z",
                           " x\ny",
                           "a\n---\nb\n",
                           "'",
                           "\"",
                           "\\",
                           "\t",
                           "\r\n",
                           "a\x01",
                           "\x7f",
                           "\xC2\x85",
                           "\xE2\x80\xA8",
                           "\xEF\xBB\xBF",
                           "{}",
                           "[]",
                           "*a",
                           "&a",
                           "!a",
                           "%a",
                           "@a",
                           "`a",
                           "<<",
                           "=",
                           "?",
                           "? a",
                           "...",
                           "---",
                           "12:30",
                           "a,b",
                           "\xF0\x9F\x98\x80"}) {
    const json::object as_key{{text, 1}};
    for (const json::value& v :
         {json::value(text), json::value(json::array{text, json::array{text}}),
          json::value(json::object{{"k", text}}), json::value(as_key)}) {
      const auto read = parse_yaml(write_yaml(v));
      ASSERT_TRUE(read.ok()) << write_yaml(v) << read.error().message();
      ASSERT_EQ(read->size(), 1U) << write_yaml(v);
      EXPECT_EQ(write_json(read->front()), write_json(v)) << write_yaml(v);
    }
  }
}

RC_GTEST_PROP(YamlWrite, RandomTextIsReadBack, ()) {
  const auto piece =
      rc::gen::element<std::string>("a", " ", "\n", ":", "#", "- ", "'", "\"", "\\", "1", "e", ".",
                                    "~", "{", "[", ",", "|", "\t", "é", "\r");
  std::string text;
  for (const std::string& p : *rc::gen::container<std::vector<std::string>>(piece)) {
    text += p;
  }
  const json::value v = json::object{{"k", json::array{text}}, {text + "x", text}};
  const auto read = parse_yaml(write_yaml(v));
  RC_ASSERT(read.ok());
  RC_ASSERT(read->front() == v);
}

}  // namespace
}  // namespace roadstead::codec
