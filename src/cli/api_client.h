// SPDX-License-Identifier: Apache-2.0
// Calls of a Kubernetes-shaped API: JSON in and out, failures as the Status that was answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/https_client.h"
#include "codec/json.h"

namespace roadstead::cli {

namespace json = codec::json;

inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";
inline constexpr std::string_view kAsTable =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

class ApiClient {
 public:
  // `name` stands before errors of the connection: "the hub", "the cluster's API server".
  ApiClient(Network& network, HttpsTarget target, std::string name)
      : client_(network, std::move(target)), name_(std::move(name)) {}

  Result<json::value> get(std::string path, std::string_view accept = "application/json") {
    return call("GET", std::move(path), nullptr, {}, accept);
  }
  Result<json::value> post(std::string path, const json::value& body) {
    return call("POST", std::move(path), &body, "application/json");
  }
  Result<json::value> patch(std::string path, std::string_view type, const json::value& body) {
    return call("PATCH", std::move(path), &body, type);
  }
  Result<json::value> remove(std::string path) { return call("DELETE", std::move(path), nullptr); }

  Result<json::value> call(std::string method, std::string path, const json::value* body,
                           std::string_view content_type = {},
                           std::string_view accept = "application/json");
  const HttpsTarget& target() const { return client_.target(); }

 private:
  HttpsClient client_;
  std::string name_;
};

}  // namespace roadstead::cli
