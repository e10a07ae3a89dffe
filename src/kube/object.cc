// SPDX-License-Identifier: Apache-2.0
#include "kube/object.h"

#include "base/rfc3339.h"

namespace roadstead::kube {
namespace {

std::optional<std::string_view> entry(const json::value& object, std::string_view map,
                                      std::string_view key) {
  const json::value* found = codec::find(object, {"metadata", map, key});
  if (found == nullptr || !found->is_string()) {
    return std::nullopt;
  }
  const json::string& text = found->get_string();
  return std::string_view(text.data(), text.size());
}

bool set_text(json::object& into, std::string_view name, std::string_view value, bool keep_empty) {
  json::value* old = into.if_contains(name);
  if (value.empty() && !keep_empty) {
    return old != nullptr && into.erase(name) > 0;
  }
  if (old != nullptr && old->is_string() && std::string_view(old->get_string()) == value) {
    return false;
  }
  into[name] = value;
  return true;
}

}  // namespace

ObjectKey key_of(const json::value& object) {
  return {std::string(namespace_of(object)), std::string(name_of(object))};
}

std::optional<std::string_view> label(const json::value& object, std::string_view key) {
  return entry(object, "labels", key);
}

std::optional<std::string_view> annotation(const json::value& object, std::string_view key) {
  return entry(object, "annotations", key);
}

json::object& object_at(json::object& parent, std::string_view name) {
  json::value& child = parent[name];
  if (!child.is_object()) {
    child = json::object();
  }
  return child.get_object();
}

json::object& metadata_of(json::object& object) { return object_at(object, "metadata"); }

void keep_metadata(json::value& object) {
  if (!object.is_object()) {
    return;
  }
  json::object out;
  for (const std::string_view field : {"apiVersion", "kind", "metadata"}) {
    if (json::value* value = object.get_object().if_contains(field)) {
      out[field] = std::move(*value);
    }
  }
  metadata_of(out).erase("managedFields");
  object = std::move(out);
}

const json::object* find_condition(const json::value& object, std::string_view type) {
  const json::value* list = codec::find(object, {"status", "conditions"});
  if (list == nullptr || !list->is_array()) {
    return nullptr;
  }
  for (const json::value& one : list->get_array()) {
    if (one.is_object() && codec::string_at(one, {"type"}) == type) {
      return &one.get_object();
    }
  }
  return nullptr;
}

bool set_condition(json::object& status, const Condition& condition,
                   std::int64_t observed_generation, WallTime now) {
  json::value& list = status["conditions"];
  if (!list.is_array()) {
    list = json::array();
  }
  json::object* target = nullptr;
  for (json::value& one : list.get_array()) {
    if (one.is_object() && codec::string_at(one, {"type"}) == condition.type) {
      target = &one.get_object();
    }
  }
  bool changed = false;
  if (target == nullptr) {
    list.get_array().push_back(json::object());
    target = &list.get_array().back().get_object();
    (*target)["type"] = condition.type;
    changed = true;
  }
  if (set_text(*target, "status", condition.status, true)) {
    (*target)["lastTransitionTime"] = format_rfc3339(now);
    changed = true;
  }
  changed |= set_text(*target, "reason", condition.reason, true);
  changed |= set_text(*target, "message", condition.message, true);
  changed |= set_text(*target, "evidence", condition.evidence, false);
  changed |= set_text(*target, "fix", condition.fix, false);
  json::value& observed = (*target)["observedGeneration"];
  if (observed != json::value(observed_generation)) {
    observed = observed_generation;
    changed = true;
  }
  return changed;
}

}  // namespace roadstead::kube
