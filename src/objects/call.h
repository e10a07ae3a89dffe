// SPDX-License-Identifier: Apache-2.0
// One request for a resource, with everything read from its query and headers.
#pragma once

#include <string>

#include "kube/query.h"
#include "kube/request_info.h"
#include "objects/encode.h"
#include "objects/object_api.h"

namespace roadstead::objects {

struct ApiRequest;

struct Call {
  const ApiRequest& request;
  kube::RequestInfo info;
  kube::Query query;
  const Kind* kind = nullptr;
  Encoding encoding;
};

Result<ListOptions> list_options(const Call& call);
// Server-side apply, by its content type.
bool is_apply(const ApiRequest& request);
Result<WriteOptions> write_options(const Call& call);
// From query and body (DeleteOptions, JSON or YAML).
Result<DeleteOptions> delete_options(const Call& call);
// JSON or YAML by content type.
Result<json::value> decode_body(const Call& call);

}  // namespace roadstead::objects
