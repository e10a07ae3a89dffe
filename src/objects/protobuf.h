// SPDX-License-Identifier: Apache-2.0
// Request bodies in Kubernetes' protobuf (k8s.io/api/core/v1, apimachinery's runtime.Unknown):
// kubectl and client-go write kinds of the core group so, and a server that offers JSON alone is
// answered in JSON but not written to in it. Answers are never protobuf. Pure functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::objects {

namespace json = boost::json;

inline constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

// A Namespace or DeleteOptions, as the same object in JSON. Fails with InvalidArgument.
Result<json::value> from_protobuf(std::string_view body);

}  // namespace roadstead::objects
