// SPDX-License-Identifier: Apache-2.0
// A structural schema (apiextensions.k8s.io/v1), compiled once from a CRD and immutable from then
// on. What is not supported is refused when the kind is read, never silently ignored.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "kube/field_error.h"
#include "objects/pattern.h"

namespace roadstead::objects {

namespace json = boost::json;

enum class SchemaType : unsigned char { Any, Object, Array, String, Integer, Number, Boolean };
enum class ListType : unsigned char { Atomic, Set, Map };

struct Schema {
  SchemaType type = SchemaType::Any;
  std::string format;
  bool nullable = false;
  bool preserve_unknown = false;
  bool int_or_string = false;
  std::optional<json::value> default_value;
  std::vector<json::value> enum_values;

  // Objects. A std::map: messages and walks in the order of names.
  std::map<std::string, std::unique_ptr<Schema>, std::less<>> properties;
  std::unique_ptr<Schema> additional;  // of every other property
  std::vector<std::string> required;
  std::optional<std::int64_t> min_properties;
  std::optional<std::int64_t> max_properties;
  bool atomic_map = false;  // server-side apply owns it as a whole

  // Arrays.
  std::unique_ptr<Schema> items;
  ListType list_type = ListType::Atomic;
  std::vector<std::string> map_keys;
  std::optional<std::int64_t> min_items;
  std::optional<std::int64_t> max_items;

  // Strings: lengths in characters.
  std::optional<std::int64_t> min_length;
  std::optional<std::int64_t> max_length;
  std::optional<Pattern> pattern;

  // Numbers.
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
  std::optional<double> multiple_of;

  // Value validations of alternatives (oneOf, anyOf, allOf, not).
  std::vector<std::unique_ptr<Schema>> one_of;
  std::vector<std::unique_ptr<Schema>> any_of;
  std::vector<std::unique_ptr<Schema>> all_of;
  std::unique_ptr<Schema> none_of;

  const Schema* property(std::string_view name) const;
  // A value of any kind may be there.
  bool accepts_null() const { return type == SchemaType::Any && preserve_unknown; }
};

// `where` begins the path in errors: "spec.versions[0].schema.openAPIV3Schema".
Result<std::unique_ptr<Schema>> parse_schema(const json::value& source, const std::string& where);

// What the API server says about a value; `path` is "" for a whole object. With `old`, what it was
// before, nothing is said about parts that are as they were.
void validate(const Schema& schema, const json::value& value, const std::string& path,
              kube::FieldErrors& errors, const json::value* old = nullptr);
// Lists of type set and map have no item twice.
void validate_lists(const Schema& schema, const json::value& value, const std::string& path,
                    kube::FieldErrors& errors);

// Removes fields that the schema does not know and returns their paths ("spec.foo"). apiVersion,
// kind and metadata of the root are left alone.
std::vector<std::string> prune(const Schema& schema, json::value& object);

// What becomes of a null that is not allowed and has no default.
enum class Nulls : unsigned char { Drop, Keep };
// Puts defaults where fields are missing, or are null where null is not allowed.
void apply_defaults(const Schema& schema, json::value& object, Nulls nulls = Nulls::Drop);

}  // namespace roadstead::objects
