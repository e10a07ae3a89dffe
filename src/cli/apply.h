// SPDX-License-Identifier: Apache-2.0
// Server-side apply of a manifest with the person's own rights.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/api_client.h"

namespace roadstead::cli {

inline constexpr std::string_view kAgentNamespace = "roadstead-system";

class Applier {
 public:
  explicit Applier(ApiClient& api) : api_(api) {}

  // One object; gives "namespace/roadstead-system". The field manager is "roadstead", and it takes
  // over fields that another manager set: the names are ours.
  Result<std::string> apply(const json::value& object);

 private:
  struct Resource {
    std::string plural;
    bool namespaced = false;
  };
  // From the API server's discovery, once for each group and version.
  Result<Resource> resource_of(const std::string& api_version, const std::string& kind);

  ApiClient& api_;
  std::map<std::string, std::map<std::string, Resource>> known_;
};

// "/api/v1" or "/apis/apps/v1".
std::string group_path(std::string_view api_version);

}  // namespace roadstead::cli
