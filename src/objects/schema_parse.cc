// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "objects/formats.h"
#include "objects/schema.h"

namespace roadstead::objects {
namespace {

constexpr int kMaxDepth = 40;

using SchemaPtr = std::unique_ptr<Schema>;

Error bad(const std::string& where, std::string_view why) {
  return Error(ErrorKind::InvalidArgument, where + ": " + std::string(why));
}

Result<SchemaPtr> parse(const json::value& source, const std::string& where, int depth,
                        bool in_alternative);

Result<SchemaType> parse_type(const json::value& value, const std::string& where) {
  static constexpr std::array<std::pair<std::string_view, SchemaType>, 6> kTypes{{
      {"object", SchemaType::Object},
      {"array", SchemaType::Array},
      {"string", SchemaType::String},
      {"integer", SchemaType::Integer},
      {"number", SchemaType::Number},
      {"boolean", SchemaType::Boolean},
  }};
  for (const auto& [name, type] : kTypes) {
    if (value.is_string() && value.get_string() == name) {
      return type;
    }
  }
  return bad(where + ".type", "must be object, array, string, integer, number or boolean");
}

Result<std::optional<std::int64_t>> parse_count(const json::value& value,
                                                const std::string& where) {
  if (!value.is_int64() || value.get_int64() < 0) {
    return bad(where, "must be a whole number that is not negative");
  }
  return std::optional(value.get_int64());
}

Result<std::optional<double>> parse_bound(const json::value& value, const std::string& where) {
  if (!value.is_number()) {
    return bad(where, "must be a number");
  }
  return std::optional(value.to_number<double>());
}

Result<bool> parse_flag(const json::value& value, const std::string& where) {
  if (!value.is_bool()) {
    return bad(where, "must be true or false");
  }
  return value.get_bool();
}

Result<std::vector<std::string>> parse_names(const json::value& value, const std::string& where) {
  std::vector<std::string> out;
  if (!value.is_array()) {
    return bad(where, "must be a list of strings");
  }
  for (const json::value& one : value.get_array()) {
    if (!one.is_string()) {
      return bad(where, "must be a list of strings");
    }
    out.emplace_back(one.get_string());
  }
  return out;
}

Result<std::vector<SchemaPtr>> parse_alternatives(const json::value& value,
                                                  const std::string& where, int depth) {
  std::vector<SchemaPtr> out;
  if (!value.is_array()) {
    return bad(where, "must be a list of schemas");
  }
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    TRY(SchemaPtr one,
        parse(value.get_array()[i], where + "[" + std::to_string(i) + "]", depth + 1, true));
    out.push_back(std::move(one));
  }
  return out;
}

Result<ListType> parse_list_type(const json::value& value, const std::string& where) {
  const std::string_view text =
      value.is_string() ? std::string_view(value.get_string()) : std::string_view();
  if (text == "atomic") {
    return ListType::Atomic;
  }
  if (text == "set") {
    return ListType::Set;
  }
  if (text == "map") {
    return ListType::Map;
  }
  return bad(where, "must be atomic, set or map");
}

// One file of keywords: each knows its own shape. False: not a keyword of this group.
Result<bool> parse_object_keyword(Schema& s, std::string_view key, const json::value& v,
                                  const std::string& where, int depth, bool alternative) {
  if (key == "properties") {
    if (!v.is_object()) {
      return bad(where, "must be a map of schemas");
    }
    for (const auto& [name, child] : v.get_object()) {
      TRY(s.properties[std::string(name)],
          parse(child, where + "[" + std::string(name) + "]", depth + 1, alternative));
    }
  } else if (key == "additionalProperties") {
    if (v.is_bool()) {
      if (!v.get_bool()) {
        return bad(where, "false is not allowed in a structural schema; leave it out");
      }
      s.additional = std::make_unique<Schema>();
      s.additional->preserve_unknown = true;
    } else {
      TRY(s.additional, parse(v, where, depth + 1, alternative));
    }
  } else if (key == "required") {
    TRY(s.required, parse_names(v, where));
  } else if (key == "minProperties") {
    TRY(s.min_properties, parse_count(v, where));
  } else if (key == "maxProperties") {
    TRY(s.max_properties, parse_count(v, where));
  } else if (key == "x-kubernetes-preserve-unknown-fields") {
    TRY(s.preserve_unknown, parse_flag(v, where));
  } else if (key == "x-kubernetes-map-type") {
    const bool text = v.is_string() && (v.get_string() == "atomic" || v.get_string() == "granular");
    if (!text) {
      return bad(where, "must be atomic or granular");
    }
    s.atomic_map = v.get_string() == "atomic";
  } else {
    return false;
  }
  return true;
}

Result<bool> parse_array_keyword(Schema& s, std::string_view key, const json::value& v,
                                 const std::string& where, int depth, bool alternative) {
  if (key == "items") {
    TRY(s.items, parse(v, where, depth + 1, alternative));
  } else if (key == "minItems") {
    TRY(s.min_items, parse_count(v, where));
  } else if (key == "maxItems") {
    TRY(s.max_items, parse_count(v, where));
  } else if (key == "x-kubernetes-list-type") {
    TRY(s.list_type, parse_list_type(v, where));
  } else if (key == "x-kubernetes-list-map-keys") {
    TRY(s.map_keys, parse_names(v, where));
  } else {
    return false;
  }
  return true;
}

Result<bool> parse_scalar_keyword(Schema& s, std::string_view key, const json::value& v,
                                  const std::string& where) {
  if (key == "minLength") {
    TRY(s.min_length, parse_count(v, where));
  } else if (key == "maxLength") {
    TRY(s.max_length, parse_count(v, where));
  } else if (key == "pattern") {
    if (!v.is_string()) {
      return bad(where, "must be a string");
    }
    auto compiled = Pattern::compile(v.get_string());
    if (!compiled.ok()) {
      return bad(where, compiled.error().message());
    }
    s.pattern = std::move(*compiled);
  } else if (key == "minimum") {
    TRY(s.minimum, parse_bound(v, where));
  } else if (key == "maximum") {
    TRY(s.maximum, parse_bound(v, where));
  } else if (key == "exclusiveMinimum") {
    TRY(s.exclusive_minimum, parse_flag(v, where));
  } else if (key == "exclusiveMaximum") {
    TRY(s.exclusive_maximum, parse_flag(v, where));
  } else if (key == "multipleOf") {
    TRY(s.multiple_of, parse_bound(v, where));
  } else {
    return false;
  }
  return true;
}

Result<bool> parse_common_keyword(Schema& s, std::string_view key, const json::value& v,
                                  const std::string& where, int depth) {
  if (key == "type") {
    TRY(s.type, parse_type(v, where));
  } else if (key == "format") {
    s.format = v.is_string() ? std::string(v.get_string()) : "";
    if (format_support(s.format) == FormatSupport::Unsupported) {
      return bad(where, s.format + " is not supported");
    }
  } else if (key == "nullable") {
    TRY(s.nullable, parse_flag(v, where));
  } else if (key == "default") {
    s.default_value = v;
  } else if (key == "enum") {
    if (!v.is_array() || v.get_array().empty()) {
      return bad(where, "must be a list of values");
    }
    s.enum_values.assign(v.get_array().begin(), v.get_array().end());
  } else if (key == "x-kubernetes-int-or-string") {
    TRY(s.int_or_string, parse_flag(v, where));
  } else if (key == "oneOf") {
    TRY(s.one_of, parse_alternatives(v, where, depth));
  } else if (key == "anyOf") {
    TRY(s.any_of, parse_alternatives(v, where, depth));
  } else if (key == "allOf") {
    TRY(s.all_of, parse_alternatives(v, where, depth));
  } else if (key == "not") {
    TRY(s.none_of, parse(v, where, depth + 1, true));
  } else {
    return key == "description" || key == "title" || key == "example" || key == "externalDocs";
  }
  return true;
}

Result<void> check_structure(const Schema& s, const std::string& where, bool in_alternative) {
  if (!in_alternative && s.type == SchemaType::Any && !s.int_or_string && !s.preserve_unknown) {
    return bad(where + ".type", "Required value: must not be empty for a structural schema");
  }
  if (!s.properties.empty() && s.additional != nullptr) {
    return bad(where, "properties and additionalProperties exclude each other");
  }
  if (!in_alternative && s.type == SchemaType::Array && s.items == nullptr) {
    return bad(where + ".items", "Required value: must be specified");
  }
  if (s.list_type == ListType::Map) {
    if (s.map_keys.empty()) {
      return bad(where + ".x-kubernetes-list-map-keys", "a list of type map needs keys");
    }
    for (const std::string& key : s.map_keys) {
      if (s.items == nullptr || s.items->property(key) == nullptr) {
        return bad(where + ".x-kubernetes-list-map-keys",
                   "'" + key + "' is not a property of the items");
      }
    }
  }
  if (s.default_value) {
    kube::FieldErrors errors;
    json::value value = *s.default_value;
    apply_defaults(s, value);
    validate(s, value, "default", errors);
    if (!errors.empty()) {
      return bad(where + ".default", errors.front().to_string());
    }
  }
  return {};
}

Result<SchemaPtr> parse(const json::value& source, const std::string& where, int depth,
                        bool in_alternative) {
  if (!source.is_object()) {
    return bad(where, "must be a schema");
  }
  if (depth > kMaxDepth) {
    return bad(where, "nested too deeply");
  }
  auto schema = std::make_unique<Schema>();
  for (const auto& [key, value] : source.get_object()) {
    const std::string path = where + "." + std::string(key);
    TRY(bool known, parse_common_keyword(*schema, key, value, path, depth));
    if (!known) {
      TRY(known, parse_object_keyword(*schema, key, value, path, depth, in_alternative));
    }
    if (!known) {
      TRY(known, parse_array_keyword(*schema, key, value, path, depth, in_alternative));
    }
    if (!known) {
      TRY(known, parse_scalar_keyword(*schema, key, value, path));
    }
    if (!known) {
      return bad(path, "this keyword is not supported");
    }
  }
  TRY_VOID(check_structure(*schema, where, in_alternative));
  return schema;
}

}  // namespace

const Schema* Schema::property(std::string_view name) const {
  const auto found = properties.find(name);
  return found == properties.end() ? additional.get() : found->second.get();
}

Result<std::unique_ptr<Schema>> parse_schema(const json::value& source, const std::string& where) {
  return parse(source, where, 0, false);
}

}  // namespace roadstead::objects
