// SPDX-License-Identifier: Apache-2.0
// A set of fields of an object, as metadata.managedFields keeps them (fieldsV1): a tree of path
// elements, each of which may be a member. Plain values.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::objects {

namespace json = boost::json;

// An order of all JSON values; 1 and 1.0 are the same.
int compare_values(const json::value& a, const json::value& b);
inline bool same_value(const json::value& a, const json::value& b) {
  return compare_values(a, b) == 0;
}

// One step into an object: a field's name, an item of a list of maps by its keys, an item of a set
// by its value, or any item by its index.
struct PathElement {
  enum class Kind : unsigned char { Field, Key, Value, Index };
  Kind kind = Kind::Field;
  std::string name;   // Field
  json::value value;  // Key: an object with names in order. Value: the item. Index: a number

  static PathElement field(std::string_view name) { return {Kind::Field, std::string(name), {}}; }
  static PathElement key(json::object fields);
  static PathElement item(json::value value) { return {Kind::Value, {}, std::move(value)}; }

  std::weak_ordering operator<=>(const PathElement& other) const;
  bool operator==(const PathElement& other) const { return (*this <=> other) == 0; }
  // "f:name", "k:{...}", "v:...", "i:0".
  std::string serialized() const;
  // ".name", "[name=\"a\"]", "[=\"a\"]", "[0]".
  std::string to_string() const;
};

using FieldPath = std::vector<PathElement>;
std::string to_string(const FieldPath& path);

class FieldSet {
 public:
  struct Node;
  using Nodes = std::map<PathElement, Node>;

  // Fails on what is no fieldsV1. Unknown kinds of elements are left out.
  static Result<FieldSet> from_json(const json::value& fields);
  json::object to_json() const;

  bool empty() const;
  bool has(const FieldPath& path) const;
  bool has_member(const PathElement& element) const;
  // nullptr when nothing is below it.
  const FieldSet* below(const PathElement& element) const;
  void insert(const FieldPath& path);
  void insert_member(const PathElement& element);
  FieldSet& descend(const PathElement& element);
  // Members of a level before what is below them.
  void for_each(const std::function<void(const FieldPath&)>& visit) const;

  FieldSet united(const FieldSet& other) const;
  FieldSet common(const FieldSet& other) const;
  // Without the members of `other`; what is below them stays.
  FieldSet without(const FieldSet& other) const;
  // Without the members of `other` and all that is below them.
  FieldSet without_trees(const FieldSet& other) const;

  const Nodes& nodes() const { return nodes_; }

 private:
  void visit_below(FieldPath& prefix, const std::function<void(const FieldPath&)>& visit) const;
  Nodes nodes_;
};

struct FieldSet::Node {
  bool member = false;
  FieldSet below;
};

}  // namespace roadstead::objects
