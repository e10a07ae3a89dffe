// SPDX-License-Identifier: Apache-2.0
// The schemas that the kinds' documents share: ObjectMeta, Status, Scale and what they are made of.
// Pure.
#pragma once

#include "objects/openapi_names.h"

namespace roadstead::objects {

// `kinds`: all of the document.
void add_meta_schemas(json::object& schemas, OpenApiVersion version,
                      const std::vector<const Kind*>& kinds);

}  // namespace roadstead::objects
