// SPDX-License-Identifier: Apache-2.0
// How server-side apply sees a kind's schema: which values are leaves, which maps and lists are
// merged, and by what the items of lists are told apart (structured-merge-diff). Made once from a
// kind's schema and immutable.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "objects/schema.h"

namespace roadstead::objects {

enum class ScalarType : unsigned char { None, Numeric, String, Boolean, Untyped };

// A type may allow several forms at once: a value then decides by what it is.
struct MergeType {
  struct Field {
    const MergeType* type = nullptr;
    const json::value* default_value = nullptr;
  };

  ScalarType scalar = ScalarType::None;

  bool list = false;
  bool atomic_list = true;
  std::vector<std::string> keys;  // of a list of maps; none: a set
  const MergeType* item = nullptr;

  bool map = false;
  bool atomic_map = false;
  std::map<std::string, Field, std::less<>> fields;
  const MergeType* other = nullptr;  // of fields without a name here; nullptr: there are none

  const Field* field(std::string_view name) const;
  const MergeType* type_of(std::string_view name) const;
};

class MergeSchema {
 public:
  explicit MergeSchema(const Schema& schema);
  MergeSchema(const MergeSchema&) = delete;
  MergeSchema& operator=(const MergeSchema&) = delete;

  const MergeType& root() const { return *root_; }

 private:
  MergeType& make() { return types_.emplace_back(); }
  const MergeType* convert(const Schema& schema, bool preserve);
  void convert_map(const Schema& schema, bool preserve, MergeType& out);
  void convert_list(const Schema& schema, bool preserve, MergeType& out);
  const MergeType* scalar(ScalarType type);
  const MergeType* metadata();

  std::deque<MergeType> types_;
  const MergeType* deduced_ = nullptr;  // the value decides; maps are merged, lists are leaves
  const MergeType* atomic_ = nullptr;   // the value decides; all are leaves
  const MergeType* root_ = nullptr;
};

}  // namespace roadstead::objects
