// SPDX-License-Identifier: Apache-2.0
#include "objects/protobuf.h"

#include <gtest/gtest.h>

namespace roadstead::objects {
namespace {

std::string varint(std::size_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(0x80 | (value & 0x7f)));
  }
  out.push_back(static_cast<char>(value));
  return out;
}
// A field with bytes.
std::string bytes(unsigned number, const std::string& value) {
  return varint(number << 3 | 2) + varint(value.size()) + value;
}
// A field with a small number.
std::string number(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}

std::string envelope(const std::string& kind, const std::string& raw) {
  return std::string("k8s\0", 4) + bytes(1, bytes(1, "v1") + bytes(2, kind)) + bytes(2, raw) +
         bytes(3, "") + bytes(4, "");
}

std::string json_of(const std::string& body) {
  const auto read = from_protobuf(body);
  return read.ok() ? codec::write_json_sorted(*read) : "error: " + read.error().message();
}

TEST(Protobuf, ReadsANamespaceAsKubectlWritesIt) {
  // Go writes empty texts, the zero time and empty messages as well.
  const std::string metadata =
      bytes(1, "berth") + bytes(2, "") + bytes(3, "") + bytes(5, "") + number(7, 0) + bytes(8, "") +
      bytes(11, bytes(1, "a") + bytes(2, "b")) + bytes(11, bytes(1, "c") + bytes(2, ""));
  EXPECT_EQ(
      json_of(envelope("Namespace", bytes(1, metadata) + bytes(2, "") + bytes(3, bytes(1, "")))),
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"a":"b","c":""},)"
      R"("name":"berth"},"spec":{},"status":{}})");
}

TEST(Protobuf, ReadsEveryFormOfField) {
  const std::string time = std::string("\x08\x80\xa8\xd6\xb9\x06", 6);
  const std::string owner = bytes(1, "Namespace") + bytes(3, "o") + bytes(4, "u") + bytes(5, "v1") +
                            number(6, 1) + number(7, 0);
  const std::string managed = bytes(1, "kubectl") + bytes(2, "Update") + bytes(3, "v1") +
                              bytes(4, time) + bytes(6, "FieldsV1") +
                              bytes(7, bytes(1, R"({"f:a":{}})")) + bytes(8, "");
  const std::string metadata = bytes(1, "n") + bytes(6, "12") + number(7, 3) + bytes(8, time) +
                               bytes(13, owner) + bytes(14, "example.com/x") +
                               bytes(14, "example.com/y") + bytes(17, managed);
  const auto object = from_protobuf(envelope("Namespace", bytes(1, metadata)));
  ASSERT_TRUE(object.ok()) << object.error().message();
  EXPECT_EQ(codec::string_at(*object, {"metadata", "resourceVersion"}), "12");
  EXPECT_EQ(codec::int_at(*object, {"metadata", "generation"}), 3);
  EXPECT_EQ(codec::string_at(*object, {"metadata", "creationTimestamp"}).size(), 20U);
  const json::value& parent = object->at("metadata").at("ownerReferences").at(0);
  EXPECT_EQ(codec::write_json_sorted(parent),
            R"({"apiVersion":"v1","blockOwnerDeletion":false,"controller":true,"kind":"Namespace",)"
            R"("name":"o","uid":"u"})");
  EXPECT_EQ(object->at("metadata").at("finalizers").get_array().size(), 2U);
  const json::value& entry = object->at("metadata").at("managedFields").at(0);
  EXPECT_EQ(codec::write_json(entry.at("fieldsV1")), R"({"f:a":{}})");
  EXPECT_EQ(codec::string_at(entry, {"manager"}), "kubectl");
}

TEST(Protobuf, ReadsDeleteOptions) {
  EXPECT_EQ(json_of(envelope("DeleteOptions", number(1, 0) + bytes(2, bytes(1, "u")) +
                                                  bytes(4, "Background") + bytes(5, "All"))),
            R"({"apiVersion":"v1","dryRun":["All"],"gracePeriodSeconds":0,"kind":"DeleteOptions",)"
            R"("preconditions":{"uid":"u"},"propagationPolicy":"Background"})");
}

TEST(Protobuf, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(json_of("{}"), "error: the body does not begin as Kubernetes' protobuf does");
  EXPECT_EQ(json_of(envelope("Secret", "")), "error: a Secret is read as JSON or YAML only");
  EXPECT_EQ(json_of(std::string("k8s\0", 4)),
            "error: a body without a kind is read as JSON or YAML only");
  const std::string whole = envelope("Namespace", bytes(1, bytes(1, "berth")));
  for (std::size_t end = 5; end < whole.size(); ++end) {
    const auto read = from_protobuf(whole.substr(0, end));  // never reads beyond the end
    EXPECT_TRUE(!read.ok() || read->is_object());
  }
  EXPECT_EQ(json_of(envelope("Namespace", bytes(1, bytes(1, "\xff")))),
            "error: the protobuf message is broken");
  EXPECT_EQ(json_of(envelope("Namespace", "\x0f")), "error: the protobuf message is broken");
}

TEST(Protobuf, ATimeThatCannotBeKeptIsNone) {
  for (const std::size_t seconds : {std::size_t{9'223'372'037}, ~std::size_t{0}}) {
    const std::string time = varint(1 << 3) + varint(seconds);
    EXPECT_EQ(json_of(envelope("Namespace", bytes(1, bytes(1, "a") + bytes(8, time)))),
              R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}})");
  }
}

}  // namespace
}  // namespace roadstead::objects
