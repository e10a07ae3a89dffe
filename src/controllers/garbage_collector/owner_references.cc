// SPDX-License-Identifier: Apache-2.0
#include "controllers/garbage_collector/owner_references.h"

#include <algorithm>

namespace roadstead::controllers {
namespace {

const json::array& metadata_list(const json::value& object, std::string_view field) {
  static const json::array none;
  const json::value* list = codec::find(object, {"metadata", field});
  return list != nullptr && list->is_array() ? list->get_array() : none;
}

// null takes the field away.
json::value list_or_null(json::array list) {
  return list.empty() ? json::value() : json::value(std::move(list));
}

}  // namespace

std::vector<OwnerReference> owners_of(const json::value& object) {
  std::vector<OwnerReference> out;
  for (const json::value& one : metadata_list(object, "ownerReferences")) {
    out.push_back(
        {std::string(codec::string_at(one, {"apiVersion"})),
         std::string(codec::string_at(one, {"kind"})), std::string(codec::string_at(one, {"name"})),
         std::string(codec::string_at(one, {"uid"})), codec::bool_at(one, {"blockOwnerDeletion"})});
  }
  return out;
}

bool has_finalizer(const json::value& object, std::string_view finalizer) {
  const json::array& list = metadata_list(object, "finalizers");
  return std::find(list.begin(), list.end(), json::value(finalizer)) != list.end();
}

bool waits_for_dependents(const json::value& object) {
  return kube::is_being_deleted(object) && has_finalizer(object, kube::kForegroundFinalizer);
}

json::value metadata_patch(const json::value& object, json::object fields) {
  fields["uid"] = kube::uid_of(object);
  fields["resourceVersion"] = kube::resource_version_of(object);
  return json::object{{"metadata", std::move(fields)}};
}

json::value without_finalizer(const json::value& object, std::string_view finalizer) {
  json::array left;
  for (const json::value& one : metadata_list(object, "finalizers")) {
    if (one != json::value(finalizer)) {
      left.push_back(one);
    }
  }
  return metadata_patch(object, {{"finalizers", list_or_null(std::move(left))}});
}

json::value without_owners(const json::value& object, const std::vector<std::string>& uids) {
  json::array left;
  for (const json::value& one : metadata_list(object, "ownerReferences")) {
    if (std::find(uids.begin(), uids.end(), codec::string_at(one, {"uid"})) == uids.end()) {
      left.push_back(one);
    }
  }
  return metadata_patch(object, {{"ownerReferences", list_or_null(std::move(left))}});
}

json::value without_blocking(const json::value& object) {
  json::array owners = metadata_list(object, "ownerReferences");
  for (json::value& one : owners) {
    if (one.is_object()) {
      one.get_object()["blockOwnerDeletion"] = false;
    }
  }
  return metadata_patch(object, {{"ownerReferences", std::move(owners)}});
}

}  // namespace roadstead::controllers
