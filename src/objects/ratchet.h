// SPDX-License-Identifier: Apache-2.0
// What of an object an update has left as it was (KEP-4008; apiserver/pkg/cel/common): such a part
// may be invalid, since the schema may have become stricter after it was written. Pure functions.
#pragma once

#include <string_view>

#include "objects/schema.h"

namespace roadstead::objects {

// What a field was before. nullptr when it was not there or the schema does not name it.
const json::value* old_field(const Schema& schema, const json::value* old, std::string_view name);
// What an item of a list was before: only those of a list of type map are told from each other.
const json::value* old_item(const Schema& schema, const json::value* old, const json::value& item);

bool unchanged(const Schema& schema, const json::value& old, const json::value& value);

}  // namespace roadstead::objects
