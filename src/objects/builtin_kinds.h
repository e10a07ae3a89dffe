// SPDX-License-Identifier: Apache-2.0
// The CRD files of api/kinds, as built into the program.
#pragma once

#include <string_view>
#include <vector>

namespace roadstead::objects {

struct BuiltinKind {
  std::string_view file;  // "clusters.yaml"
  std::string_view text;
};

std::vector<BuiltinKind> builtin_kinds();

}  // namespace roadstead::objects
