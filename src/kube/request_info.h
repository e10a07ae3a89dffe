// SPDX-License-Identifier: Apache-2.0
// What a request asks for, read from method and target by the rules of the API server
// (k8s.io/apiserver/pkg/endpoints/request, RequestInfoFactory). Audit, policy and the object API
// all decide by this one reading. Plain value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace roadstead::kube {

struct RequestInfo {
  bool is_resource = false;
  std::string path;  // decoded
  // get list watch create update patch delete deletecollection proxy; for a non-resource request
  // the method in lower case.
  std::string verb;
  std::string api_prefix;  // "api" or "apis"
  std::string group;       // "" for /api
  std::string version;
  std::string namespace_;
  std::string resource;
  std::string subresource;
  std::string name;
  std::vector<std::string> parts;  // resource, name, subresource and what follows
  std::string field_selector;
  std::string label_selector;
};

// Fails with InvalidArgument on a broken escape in the path, and on "/api/v1/watch" without a
// resource.
Result<RequestInfo> parse_request_info(std::string_view method, std::string_view target);

}  // namespace roadstead::kube
