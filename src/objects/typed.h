// SPDX-License-Identifier: Apache-2.0
// Values of a MergeType: checked, merged, compared, as sets of fields, and without some of them
// (structured-merge-diff/typed). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "objects/field_set.h"
#include "objects/merge_type.h"

namespace roadstead::objects {

// The forms of a type that a value may have.
struct Forms {
  bool map = false;
  bool scalar = false;
  bool list = false;
  bool operator==(const Forms&) const = default;
};
// nullptr or null: everything that the type allows.
Forms forms_of(const MergeType& type, const json::value* value);
enum class Form : unsigned char { None, Map, Scalar, List };
Form first_form(const Forms& forms);

// By what an item is told from others. Fails on an item that cannot be in such a list.
Result<PathElement> element_of(const MergeType& list, const json::value& item);

enum class Duplicates : unsigned char { Refuse, Allow };
// Fails with InvalidArgument, worded as structured-merge-diff does.
Result<void> check_typed(const MergeType& type, const json::value& value, Duplicates duplicates);

FieldSet fields_of(const MergeType& type, const json::value& value);

// `change` over `base`; nothing is removed. Both have been checked.
json::value merge_typed(const MergeType& type, const json::value& base, const json::value& change);

struct Comparison {
  FieldSet removed;
  FieldSet modified;
  FieldSet added;
};
Comparison compare_typed(const MergeType& type, const json::value& before,
                         const json::value& after);

// `value` without the items of `gone`.
json::value remove_fields(const MergeType& type, const json::value& value, const FieldSet& gone);

// With the named fields on the way to members as members.
FieldSet with_named_fields(const FieldSet& set, const MergeType* type);

}  // namespace roadstead::objects
