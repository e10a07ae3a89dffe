// SPDX-License-Identifier: Apache-2.0
// What the server tells about itself: groups, resources, version. Built from the registry.
#pragma once

#include <optional>
#include <string>

#include "objects/object_api.h"

namespace roadstead::objects {

class Discovery {
 public:
  explicit Discovery(const ObjectApi& api) : api_(api) {}

  json::object api_versions() const;  // /api
  json::object group_list() const;    // /apis
  std::optional<json::object> group(const std::string& name) const;
  std::optional<json::object> resources(const std::string& group, const std::string& version) const;
  // apidiscovery.k8s.io/v2 APIGroupDiscoveryList, for /api and /apis.
  json::object aggregated(bool core) const;

 private:
  const ObjectApi& api_;
};

json::object version_document(const std::string& hub_version);

}  // namespace roadstead::objects
