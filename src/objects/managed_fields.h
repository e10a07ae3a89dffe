// SPDX-License-Identifier: Apache-2.0
// metadata.managedFields in memory: entries by who wrote and how. Plain values.
#pragma once

#include <compare>
#include <map>
#include <string>

#include "base/clock.h"
#include "objects/field_set.h"

namespace roadstead::objects {

struct ManagerId {
  std::string manager;
  std::string operation;    // Apply or Update
  std::string api_version;  // "" for Apply: an applier is the same in every version
  std::string subresource;

  auto operator<=>(const ManagerId&) const = default;
  bool applies() const { return operation == "Apply"; }
  // As in messages about conflicts.
  std::string describe() const;
};

struct ManagedEntry {
  std::string api_version;
  std::string time;  // RFC 3339, "" for none
  FieldSet fields;
};

using ManagedFields = std::map<ManagerId, ManagedEntry>;

// Fails on a list that is not as the API server writes it.
Result<ManagedFields> decode_managed_fields(const json::value& list);
// In the API server's order.
json::array encode_managed_fields(const ManagedFields& managed);

// metadata.managedFields; null when there are none.
json::value managed_fields_of(const json::value& object);
void set_managed_fields(json::value& object, const ManagedFields& managed);

// At most ten entries of updates: older ones are put together.
void cap_managers(ManagedFields& managed);

}  // namespace roadstead::objects
