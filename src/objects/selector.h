// SPDX-License-Identifier: Apache-2.0
// Label and field selectors as clients write them in a query. Compiled once, immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "objects/kind.h"

namespace roadstead::objects {

// "a=b,c!=d,e in (f,g),h notin (i),j,!k" (apimachinery/pkg/labels).
class LabelSelector {
 public:
  static Result<LabelSelector> parse(std::string_view text);
  bool empty() const { return terms_.empty(); }
  bool matches(const json::value& object) const;

 private:
  enum class Op : unsigned char { In, NotIn, Exists, Missing, Greater, Less };
  struct Term {
    std::string key;
    Op op;
    std::vector<std::string> values;
  };
  friend class LabelSelectorParser;
  std::vector<Term> terms_;
};

// "metadata.name=a,spec.username!=b" with metadata.name, metadata.namespace and the kind's
// selectable fields.
class FieldSelector {
 public:
  static Result<FieldSelector> parse(const Kind& kind, std::string_view text);
  bool empty() const { return terms_.empty(); }
  bool matches(const json::value& object) const;

 private:
  struct Term {
    const JsonPath* path;  // the kind's; nullptr for metadata
    std::string name;
    std::string value;
    bool equal;
  };
  std::vector<Term> terms_;
};

struct Selectors {
  LabelSelector labels;
  FieldSelector fields;
  bool empty() const { return labels.empty() && fields.empty(); }
  bool matches(const json::value& object) const {
    return labels.matches(object) && fields.matches(object);
  }
};

Result<Selectors> parse_selectors(const Kind& kind, std::string_view labels,
                                  std::string_view fields);

}  // namespace roadstead::objects
