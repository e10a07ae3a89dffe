// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <gtest/gtest.h>

#include <string>

namespace roadstead::http {
namespace {

TEST(Headers, SetReplacesAllLinesInPlace) {
  Headers h;
  h.add("a", "1");
  h.add("b", "2");
  h.add("a", "3");
  h.set("a", "4");
  h.set("c", "5");
  Headers want;
  want.add("a", "4");
  want.add("b", "2");
  want.add("c", "5");
  EXPECT_EQ(h, want);
}

TEST(Headers, RemoveTellsHowMany) {
  Headers h;
  h.add("impersonate-user", "x");
  h.add("accept", "y");
  h.add("impersonate-user", "z");
  EXPECT_EQ(h.count("impersonate-user"), 2U);
  EXPECT_EQ(h.remove("impersonate-user"), 2U);
  EXPECT_EQ(h.remove("impersonate-user"), 0U);
  EXPECT_EQ(h.size(), 1U);
  ASSERT_NE(h.find("accept"), nullptr);
  EXPECT_EQ(*h.find("accept"), "y");
}

TEST(Headers, TokenIsFoundInAnyLineAndCase) {
  Headers h;
  h.add("connection", "keep-alive, Upgrade");
  h.add("connection", " TE\t,close");
  EXPECT_TRUE(h.has_token("connection", "upgrade"));
  EXPECT_TRUE(h.has_token("connection", "te"));
  EXPECT_TRUE(h.has_token("connection", "CLOSE"));
  EXPECT_FALSE(h.has_token("connection", "up"));
  EXPECT_FALSE(h.has_token("upgrade", "close"));
}

TEST(Headers, CommaInAQuotedStringDoesNotSplit) {
  Headers h;
  h.add("x", R"("a, close", b)");
  EXPECT_FALSE(h.has_token("x", "close\""));
  EXPECT_TRUE(h.has_token("x", "b"));
  Headers escaped;
  escaped.add("x", R"("a\", b", c)");
  EXPECT_FALSE(escaped.has_token("x", "b\""));
  EXPECT_TRUE(escaped.has_token("x", "c"));
  Headers open;
  open.add("x", R"(a, "b, c)");
  EXPECT_TRUE(open.has_token("x", "a"));
  EXPECT_FALSE(open.has_token("x", "c"));
}

TEST(Headers, BytesCountAsTheStandardDoes) {
  Headers h;
  h.add("abc", "de");
  h.add("f", "");
  EXPECT_EQ(h.bytes(), 5U + 32 + 1 + 32);
}

TEST(Fields, TokensAndValues) {
  EXPECT_TRUE(is_token("X-Custom_1!"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a:"));
  EXPECT_FALSE(is_token("\xe4"));
  EXPECT_TRUE(is_field_value("a b\t\xe4"));
  EXPECT_TRUE(is_field_value(""));
  EXPECT_FALSE(is_field_value("a\r"));
  EXPECT_FALSE(is_field_value("a\n"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0", 2)));
  EXPECT_FALSE(is_field_value("\x7f"));
}

}  // namespace
}  // namespace roadstead::http
