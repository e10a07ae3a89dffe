// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace roadstead::codec {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text, JsonLimits limits = {}) {
  const auto r = parse_json(text, limits);
  return r.ok() ? "accepted" : r.error().message();
}

TEST(Json, RoundTrips) {
  const std::string_view text =
      R"({"a":[1,-2,18446744073709551615,0.5,1.0,1e+30,true,false,null],"b":{"":"é\n\"\\\u0001"},"c":[],"d":{}})";
  const auto value = parse_json(text);
  ASSERT_TRUE(value.ok()) << value.error().message();
  EXPECT_EQ(write_json(*value), text);
  EXPECT_EQ(write_json(*parse_json(write_json_pretty(*value))), text);
}

TEST(Json, PrettyIsReadable) {
  EXPECT_EQ(write_json_pretty(*parse_json(R"({"a":[1,{}],"b":[]})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(Json, IntegersStayApartFromDoubles) {
  EXPECT_TRUE(parse_json("1")->is_int64());
  EXPECT_TRUE(parse_json("1.0")->is_double());
  EXPECT_TRUE(parse_json("9223372036854775808")->is_uint64());
  EXPECT_TRUE(parse_json("-9223372036854775808")->is_int64());
  EXPECT_TRUE(parse_json("-9223372036854775809")->is_double());
}

TEST(Json, DoublesAreRoundedCorrectly) {
  // boost::json 1.81 by itself may be one unit off.
  for (const char* text : {"1.7976931348623157e+308", "5e-324", "2.2250738585072014e-308",
                           "9007199254740993.0", "0.1", "123456789.12345678"}) {
    EXPECT_EQ(parse_json(text)->get_double(), std::strtod(text, nullptr)) << text;
  }
  EXPECT_THAT(error_of("1e400"), HasSubstr("column"));
}

TEST(Json, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("{\n  \"a\": 1,\n  \"b\" 2\n}"), HasSubstr("line 3, column 7"));
  EXPECT_THAT(error_of("{\"a\": 1} x"), HasSubstr("column 10: text after the end"));
  EXPECT_THAT(error_of("[1, 2"), HasSubstr("ends too early"));
  EXPECT_THAT(error_of(""), HasSubstr("ends too early"));
  EXPECT_THAT(error_of("  "), HasSubstr("ends too early"));
}

TEST(Json, RefusesDuplicateNames) {
  EXPECT_THAT(error_of("{\"a\": 1,\n \"a\": 2}"), HasSubstr("line 2"));
  EXPECT_THAT(error_of(R"({"a": 1, "\u0061": 2})"), HasSubstr("\"a\" stands twice"));
  EXPECT_THAT(error_of(R"({"":1,"":2})"), HasSubstr("stands twice"));
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"A":[{"a":1},{"a":1}]})").ok());
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string_view bad : {"\"\xff\"",
                                     "\"\xC0\xAF\"",
                                     "\"\xED\xA0\x80\"",
                                     "{\"\xff\":1}",
                                     "\"a\nb\"",
                                     "01",
                                     "+1",
                                     "1.",
                                     ".5",
                                     "NaN",
                                     "Infinity",
                                     "'a'",
                                     "[1,]",
                                     "{\"a\":1,}",
                                     "// c\n1",
                                     "\"\\ud800\"",
                                     "\"\\x\"",
                                     "tru",
                                     "nul",
                                     "\xEF\xBB\xBF{}",
                                     "{a:1}",
                                     "1 2"}) {
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
}

TEST(Json, Limits) {
  EXPECT_THAT(error_of(std::string(101, '[') + std::string(101, ']')),
              HasSubstr("nested deeper than 100"));
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')).ok());
  const auto r = parse_json("[1,2,3]", {.max_bytes = 6});
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().kind(), ErrorKind::PayloadTooLarge);
}

TEST(Json, OutputIsUtf8WhateverTheValueHolds) {
  EXPECT_EQ(write_json(json::value("a\xff")), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(write_json(json::value(std::numeric_limits<double>::infinity())), "null");
}

TEST(Json, ReadsByPath) {
  const auto v = *parse_json(R"({"metadata":{"name":"a","n":7,"on":true,"list":[1]}})");
  EXPECT_EQ(string_at(v, {"metadata", "name"}), "a");
  EXPECT_EQ(string_at(v, {"metadata", "n"}, "none"), "none");
  EXPECT_EQ(string_at(v, {"spec", "name"}, "none"), "none");
  EXPECT_EQ(int_at(v, {"metadata", "n"}), 7);
  EXPECT_TRUE(bool_at(v, {"metadata", "on"}));
  EXPECT_EQ(find(v, {"metadata", "list", "x"}), nullptr);
  EXPECT_EQ(find(v, {}), &v);
}

TEST(Json, WritesNamesInOrderAtEveryDepth) {
  const auto value = parse_json(R"({"b":[{"d":1,"c":{"z":0,"a":""}}],"a":true,"aa":null})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(write_json_sorted(*value), R"({"a":true,"aa":null,"b":[{"c":{"a":"","z":0},"d":1}]})");
}

TEST(Json, ChecksWithoutBuilding) {
  EXPECT_TRUE(is_json(R"({"a":[1,2.5,"x\u00e9",{}],"b":null})"));
  for (const char* bad : {"", "{", R"({"a":1)", R"({"a":1}x)", "{\"a\":\"\xff\"}", "[1,]"}) {
    EXPECT_FALSE(is_json(bad)) << bad;
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
  EXPECT_FALSE(is_json("[[[]]]", {.max_bytes = 100, .max_depth = 2}));
  EXPECT_FALSE(is_json("[1,2,3]", {.max_bytes = 5, .max_depth = 2}));
}

}  // namespace
}  // namespace roadstead::codec
