// SPDX-License-Identifier: Apache-2.0
// The paths of a kind in an OpenAPI document. Pure.
#pragma once

#include "objects/openapi_names.h"

namespace roadstead::objects {

void add_paths(json::object& paths, const Kind& kind, OpenApiVersion version);

}  // namespace roadstead::objects
