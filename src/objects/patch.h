// SPDX-License-Identifier: Apache-2.0
// JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396) on JSON values. Pure functions.
#pragma once

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::objects {

namespace json = boost::json;

// Applies all operations or none. Fails with InvalidArgument: 400 when the patch itself is wrong,
// 422 when it does not fit the document, 413 when it is too long.
Result<json::value> apply_json_patch(json::value document, const json::value& patch);

void apply_merge_patch(json::value& document, const json::value& patch);

}  // namespace roadstead::objects
