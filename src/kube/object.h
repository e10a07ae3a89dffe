// SPDX-License-Identifier: Apache-2.0
// Small accessors on Kubernetes objects as JSON values; nothing here owns or checks an object.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "codec/json.h"

namespace roadstead::kube {

namespace json = boost::json;

struct ObjectKey {
  std::string namespace_;  // "" for cluster-scoped
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  std::string to_string() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
};

ObjectKey key_of(const json::value& object);
inline std::string_view name_of(const json::value& o) {
  return codec::string_at(o, {"metadata", "name"});
}
inline std::string_view namespace_of(const json::value& o) {
  return codec::string_at(o, {"metadata", "namespace"});
}
inline std::string_view uid_of(const json::value& o) {
  return codec::string_at(o, {"metadata", "uid"});
}
inline std::string_view resource_version_of(const json::value& o) {
  return codec::string_at(o, {"metadata", "resourceVersion"});
}
inline std::int64_t generation_of(const json::value& o) {
  return codec::int_at(o, {"metadata", "generation"});
}
inline bool is_being_deleted(const json::value& o) {
  return codec::find(o, {"metadata", "deletionTimestamp"}) != nullptr;
}
// The finalizers of garbage collection: dependents lose their owner first, or go first.
inline constexpr std::string_view kOrphanFinalizer = "orphan";
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";

std::optional<std::string_view> label(const json::value& object, std::string_view key);
std::optional<std::string_view> annotation(const json::value& object, std::string_view key);

// `parent[name]`, made an empty object when absent or of another type.
json::object& object_at(json::object& parent, std::string_view name);
json::object& metadata_of(json::object& object);
// Leaves apiVersion, kind and metadata without managedFields.
void keep_metadata(json::value& object);

// status.conditions[type]; nullptr when absent.
const json::object* find_condition(const json::value& object, std::string_view type);

struct Condition {
  std::string type;
  std::string status;  // True, False, Unknown
  std::string reason;
  std::string message;
  std::string evidence;  // what was seen; may be empty
  std::string fix;       // what to do, in words; may be empty
};
// Sets a condition in `status` (the status object itself). lastTransitionTime moves only when
// `status` of the condition changes. Returns whether anything changed.
bool set_condition(json::object& status, const Condition& condition,
                   std::int64_t observed_generation, WallTime now);

}  // namespace roadstead::kube
