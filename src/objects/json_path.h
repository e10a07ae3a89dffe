// SPDX-License-Identifier: Apache-2.0
// The JSONPath of CRD columns and selectable fields: .a.b, ['a.b'], [0], [*], and filters of the
// form [?(@.type=="Ready")]. Compiled once, immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::objects {

namespace json = boost::json;

class JsonPath {
 public:
  static Result<JsonPath> compile(std::string_view source);

  // The first value found; nullptr when there is none.
  const json::value* first(const json::value& root) const;

 private:
  enum class StepKind : unsigned char { Field, Index, Every, Filter };
  struct Step {
    StepKind kind;
    std::string name;               // Field: its name. Filter: the value compared with
    std::vector<std::string> path;  // Filter: the field compared
    std::size_t index = 0;
    bool equal = true;  // Filter: == or !=
  };
  Result<void> read_bracket(std::string_view source, std::size_t& at);
  const json::value* find(const json::value& from, std::size_t step) const;

  std::vector<Step> steps_;
};

}  // namespace roadstead::objects
