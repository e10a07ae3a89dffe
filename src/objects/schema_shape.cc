// SPDX-License-Identifier: Apache-2.0
// Pruning and defaulting (apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}).
#include "objects/schema.h"

namespace roadstead::objects {
namespace {

class Pruner {
 public:
  void value(const Schema& schema, json::value& value, const std::string& path, bool root) {
    if (json::object* object = value.if_object()) {
      fields(schema, *object, path, root);
    } else if (json::array* array = value.if_array(); array != nullptr && schema.items) {
      for (std::size_t i = 0; i < array->size(); ++i) {
        this->value(*schema.items, (*array)[i], path + "[" + std::to_string(i) + "]", false);
      }
    }
  }
  std::vector<std::string> removed;

 private:
  void fields(const Schema& schema, json::object& object, const std::string& path, bool root) {
    std::vector<std::string> unknown;
    for (auto& [name, child] : object) {
      const std::string_view key = name;
      if (root && (key == "apiVersion" || key == "kind" || key == "metadata")) {
        continue;
      }
      const std::string child_path =
          path.empty() ? std::string(key) : path + "." + std::string(key);
      if (const Schema* known = schema.property(key)) {
        value(*known, child, child_path, false);
      } else if (!schema.preserve_unknown) {
        unknown.emplace_back(key);
        removed.push_back(child_path);
      }
    }
    for (const std::string& key : unknown) {
      object.erase(key);
    }
  }
};

}  // namespace

std::vector<std::string> prune(const Schema& schema, json::value& object) {
  Pruner pruner;
  pruner.value(schema, object, "", true);
  return std::move(pruner.removed);
}

void apply_defaults(const Schema& schema, json::value& value, Nulls nulls) {
  if (json::object* object = value.if_object()) {
    for (const auto& [name, child] : schema.properties) {
      json::value* present = object->if_contains(name);
      const bool missing = present == nullptr || (present->is_null() && !child->nullable);
      if (missing && child->default_value) {
        (*object)[name] = *child->default_value;
      }
    }
    std::vector<std::string> dropped;
    for (auto& [name, child] : *object) {
      const Schema* known = schema.property(name);
      if (known == nullptr) {
        continue;
      }
      if (child.is_null() && !known->nullable && nulls == Nulls::Drop && !known->accepts_null()) {
        dropped.emplace_back(name);
      } else {
        apply_defaults(*known, child, nulls);
      }
    }
    for (const std::string& name : dropped) {
      object->erase(name);
    }
  } else if (json::array* array = value.if_array(); array != nullptr && schema.items) {
    for (json::value& item : *array) {
      apply_defaults(*schema.items, item, nulls);
    }
  }
}

}  // namespace roadstead::objects
