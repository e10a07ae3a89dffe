// SPDX-License-Identifier: Apache-2.0
// An object's resourceVersion in its text, put in and taken out without reading the rest: the text
// of an object is made once, when it is written. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/object_store.h"

namespace roadstead::objects {

// `text` is what write_json_sorted makes of an object without a resourceVersion. nullopt: it is
// something else.
std::optional<std::string> with_revision(std::string_view text, storage::Revision revision);
// The other way; text without a resourceVersion stays as it is.
std::string without_revision(std::string text);

}  // namespace roadstead::objects
