// SPDX-License-Identifier: Apache-2.0
// Lists of type set and map hold no item twice (apiextensions-apiserver/pkg/apiserver/schema/
// listtype).
#include <algorithm>
#include <optional>

#include "objects/schema.h"

namespace roadstead::objects {
namespace {

// The part of an item by which lists of type set and map tell their items apart.
std::optional<json::value> identity(const Schema& schema, const json::value& item) {
  if (schema.list_type == ListType::Set) {
    return item;
  }
  if (schema.list_type != ListType::Map || !item.is_object()) {
    return std::nullopt;
  }
  json::object key;
  for (const std::string& name : schema.map_keys) {
    if (const json::value* part = item.get_object().if_contains(name)) {
      key[name] = *part;
    }
  }
  return key;
}

void check_unique(const Schema& schema, const json::array& items, const std::string& path,
                  kube::FieldErrors& errors) {
  std::vector<json::value> seen;
  std::vector<json::value> told;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto key = identity(schema, items[i]);
    if (!key) {
      continue;
    }
    if (std::find(seen.begin(), seen.end(), *key) == seen.end()) {
      seen.push_back(std::move(*key));
    } else if (std::find(told.begin(), told.end(), *key) == told.end()) {
      errors.push_back(kube::duplicate(path + "[" + std::to_string(i) + "]", *key));
      told.push_back(std::move(*key));
    }
  }
}

}  // namespace

void validate_lists(const Schema& schema, const json::value& value, const std::string& path,
                    kube::FieldErrors& errors) {
  if (const json::array* items = value.if_array()) {
    check_unique(schema, *items, path, errors);
    for (std::size_t i = 0; schema.items != nullptr && i < items->size(); ++i) {
      validate_lists(*schema.items, (*items)[i], path + "[" + std::to_string(i) + "]", errors);
    }
    return;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) {
    return;
  }
  for (const auto& [name, field] : *object) {
    const std::string key(name);
    if (const auto known = schema.properties.find(key); known != schema.properties.end()) {
      validate_lists(*known->second, field, path.empty() ? key : path + "." + key, errors);
    } else if (schema.additional != nullptr) {
      validate_lists(*schema.additional, field, path + "[" + key + "]", errors);
    }
  }
}

}  // namespace roadstead::objects
