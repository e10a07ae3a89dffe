// SPDX-License-Identifier: Apache-2.0
// What a YAML scalar means, by the rules of go-yaml v2, which is under sigs.k8s.io/yaml and so
// under kubectl: YAML 1.1 booleans (y, yes, on and so on), integers with prefixes and underscores,
// floats; time stamps stay strings. Internal to codec/.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::codec {

// `tag` is empty when none was written; `plain` is false for quoted and block scalars. The errors
// have no place yet.
Result<json::value> resolve_yaml_scalar(std::string_view tag, std::string_view text, bool plain);

// A mapping key as text: 1 is "1", yes is "true". Null is refused.
Result<std::string> yaml_key_text(const json::value& key);

// True when a plain scalar would be read as this very string, here and by stricter YAML 1.1
// readers.
bool yaml_plain_is_string(std::string_view text);

}  // namespace roadstead::codec
