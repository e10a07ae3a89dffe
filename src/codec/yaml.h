// SPDX-License-Identifier: Apache-2.0
// YAML as kubectl reads it (sigs.k8s.io/yaml, which is go-yaml v2 turned into JSON): YAML 1.1
// scalars, so y, yes, on and their opposites are booleans; 010 is 8; time stamps stay strings;
// merge keys; several documents. Stricter than kubectl: duplicate keys are refused, aliases have an
// expansion limit. libyaml's event API underneath.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::codec {

struct YamlLimits {
  std::size_t max_bytes = 3u << 20;
  std::size_t max_depth = 100;
  std::size_t max_nodes = 1'000'000;  // counted after alias expansion
};

// Empty and null documents are left out. The error names line and column.
Result<std::vector<json::value>> parse_yaml(std::string_view text, YamlLimits limits = {});
// Block style, strings quoted where they would be read as something else.
std::string write_yaml(const json::value& value);

}  // namespace roadstead::codec
