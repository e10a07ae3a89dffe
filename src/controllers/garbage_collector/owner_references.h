// SPDX-License-Identifier: Apache-2.0
// metadata.ownerReferences and the finalizers of garbage collection, as values. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace roadstead::controllers {

namespace json = boost::json;

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool blocks_deletion = false;
  bool operator==(const OwnerReference&) const = default;
};

std::vector<OwnerReference> owners_of(const json::value& object);
bool has_finalizer(const json::value& object, std::string_view finalizer);
// It is deleted in the foreground: it goes when what it owns has gone.
bool waits_for_dependents(const json::value& object);

// A merge patch for exactly this version of the object, with these metadata fields in it.
json::value metadata_patch(const json::value& object, json::object fields);
json::value without_finalizer(const json::value& object, std::string_view finalizer);
json::value without_owners(const json::value& object, const std::vector<std::string>& uids);
json::value without_blocking(const json::value& object);

}  // namespace roadstead::controllers
