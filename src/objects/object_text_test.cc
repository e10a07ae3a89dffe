// SPDX-License-Identifier: Apache-2.0
#include "objects/object_text.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "kube/object.h"
#include "objects/object.h"

namespace roadstead::objects {
namespace {

struct Case {
  const char* bare;
  const char* with;
};

TEST(ObjectText, PutsTheRevisionWhereItBelongs) {
  for (
      const Case& c : {
          Case{R"({"kind":"A","metadata":{}})",
               R"({"kind":"A","metadata":{"resourceVersion":"7"}})"},
          Case{R"({"metadata":{"name":"a"}})",
               R"({"metadata":{"name":"a","resourceVersion":"7"}})"},
          Case{R"({"metadata":{"name":"a","uid":"u"},"spec":{}})",
               R"({"metadata":{"name":"a","resourceVersion":"7","uid":"u"},"spec":{}})"},
          Case{R"({"metadata":{"uid":"u"}})", R"({"metadata":{"resourceVersion":"7","uid":"u"}})"},
          Case{
              R"({"a":{"metadata":{"resourceVersion":"1"}},"metadata":{"labels":{"resourceVersion":"\"}"}},"z":[1,{}]})",
              R"({"a":{"metadata":{"resourceVersion":"1"}},"metadata":{"labels":{"resourceVersion":"\"}"},"resourceVersion":"7"},"z":[1,{}]})"},
      }) {
    ASSERT_EQ(with_revision(c.bare, 7), c.with);
    EXPECT_EQ(without_revision(c.with), c.bare);
    EXPECT_EQ(without_revision(c.bare), c.bare);
  }
}

TEST(ObjectText, TouchesNothingElse) {
  for (const char* other :
       {"", "[]", "{}", R"({"metadata":1})", R"({"metadata":{"resourceVersion":"1"}})",
        R"({"metadata":{"name":"a")", R"({ "metadata": {} })", R"({"metadata":"{}"})"}) {
    EXPECT_FALSE(with_revision(other, 7).has_value()) << other;
  }
}

TEST(ObjectText, SaysTheSameAsTheWayThroughAValue) {
  const auto value = codec::parse_json(
      R"({"spec":{"b":"\\\"}","a":[{"y":1,"x":"{"}]},"kind":"K","metadata":{"uid":"u","name":"n",
          "managedFields":[{"manager":"m","fieldsV1":{"f:a":{}}}],"resourceVersion":"3"}})");
  ASSERT_TRUE(value.ok());
  const std::string stored = stored_form(*value);
  const auto object = make_object(storage::Key{"ks", "", "n"}, 12, stored);
  ASSERT_TRUE(object.ok());
  json::value sorted = *value;
  sort_names(sorted);
  EXPECT_EQ((*object)->text, make_object(sorted, 12)->text);
  EXPECT_EQ((*object)->key.name, "n");
  EXPECT_EQ((*object)->revision, 12U);
}

TEST(ObjectText, RefusesWhatIsNoJson) {
  const storage::Key key{"ks", "", "n"};
  EXPECT_FALSE(make_object(key, 1, "{").ok());
  EXPECT_FALSE(make_object(key, 1, "[]").ok());
  EXPECT_FALSE(make_object(key, 1, R"({"metadata":{},"a":x})").ok());
}

}  // namespace
}  // namespace roadstead::objects
