// SPDX-License-Identifier: Apache-2.0
#include "objects/ratchet.h"

#include <algorithm>

#include "objects/field_set.h"

namespace roadstead::objects {
namespace {

bool same_keys(const Schema& schema, const json::value& a, const json::value& b) {
  return std::all_of(schema.map_keys.begin(), schema.map_keys.end(), [&](const std::string& key) {
    const json::value* x = a.is_object() ? a.get_object().if_contains(key) : nullptr;
    const json::value* y = b.is_object() ? b.get_object().if_contains(key) : nullptr;
    return x == nullptr || y == nullptr ? x == y : same_value(*x, *y);
  });
}

bool unchanged_list(const Schema& schema, const json::value& old, const json::value& value) {
  const json::array& before = old.get_array();
  const json::array& after = value.get_array();
  if (before.size() != after.size()) {
    return false;
  }
  if (schema.list_type != ListType::Map || schema.items == nullptr) {
    return same_value(old, value);
  }
  return std::all_of(after.begin(), after.end(), [&](const json::value& item) {
    const json::value* was = old_item(schema, &old, item);
    return was != nullptr && unchanged(*schema.items, *was, item);
  });
}

}  // namespace

const json::value* old_field(const Schema& schema, const json::value* old, std::string_view name) {
  const json::object* object = old == nullptr ? nullptr : old->if_object();
  if (object == nullptr || schema.property(name) == nullptr) {
    return nullptr;
  }
  return object->if_contains(name);
}

const json::value* old_item(const Schema& schema, const json::value* old, const json::value& item) {
  const json::array* list = old == nullptr ? nullptr : old->if_array();
  if (list == nullptr || schema.list_type != ListType::Map || !item.is_object()) {
    return nullptr;
  }
  const auto found = std::find_if(list->begin(), list->end(), [&](const json::value& one) {
    return one.is_object() && same_keys(schema, one, item);
  });
  return found == list->end() ? nullptr : &*found;
}

bool unchanged(const Schema& schema, const json::value& old, const json::value& value) {
  if (old.is_null() || value.is_null()) {
    return old.is_null() && value.is_null();
  }
  if (old.is_array() && value.is_array()) {
    return unchanged_list(schema, old, value);
  }
  if (!old.is_object() || !value.is_object()) {
    return same_value(old, value);
  }
  const json::object& fields = value.get_object();
  // A field that the schema does not name counts as changed, as the API server does it.
  return fields.size() == old.get_object().size() &&
         std::all_of(fields.begin(), fields.end(), [&](const auto& field) {
           const json::value* was = old_field(schema, &old, field.key());
           return was != nullptr && unchanged(*schema.property(field.key()), *was, field.value());
         });
}

}  // namespace roadstead::objects
