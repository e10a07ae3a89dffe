// SPDX-License-Identifier: Apache-2.0
#include "objects/managed_fields.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/rfc3339.h"
#include "kube/field_error.h"
#include "kube/object.h"

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxUpdateManagers = 10;

Error bad(std::string why) { return Error(ErrorKind::InvalidArgument, std::move(why)); }

std::int64_t seconds_of(const std::string& time) {
  auto parsed = parse_rfc3339(time);
  return parsed.ok()
             ? std::chrono::duration_cast<std::chrono::seconds>(parsed->time_since_epoch()).count()
             : 0;
}

using Item = ManagedFields::value_type;

}  // namespace

std::string ManagerId::describe() const {
  std::string out = kube::quote(manager);
  if (!subresource.empty()) {
    out += " with subresource " + kube::quote(subresource);
  }
  if (!applies()) {
    out += " using " + api_version;
  }
  return out;
}

Result<ManagedFields> decode_managed_fields(const json::value& list) {
  ManagedFields out;
  if (!list.is_array()) {
    return out;
  }
  int number = 0;
  for (const json::value& one : list.get_array()) {
    const std::string_view operation = codec::string_at(one, {"operation"});
    if (operation != "Apply" && operation != "Update") {
      return bad("operation must be `Apply` or `Update`");
    }
    ManagedEntry entry;
    entry.api_version = codec::string_at(one, {"apiVersion"});
    if (entry.api_version.empty()) {
      return bad("apiVersion must not be empty");
    }
    const std::string_view type = codec::string_at(one, {"fieldsType"});
    if (type != "FieldsV1") {
      return bad(type.empty()
                     ? "missing fieldsType in managed fields entry " + std::to_string(number)
                     : "invalid fieldsType " + kube::quote(type) + " in managed fields entry " +
                           std::to_string(number));
    }
    ManagerId id{std::string(codec::string_at(one, {"manager"})), std::string(operation),
                 operation == "Apply" ? "" : entry.api_version,
                 std::string(codec::string_at(one, {"subresource"}))};
    entry.time = codec::string_at(one, {"time"});
    if (const json::value* fields = codec::find(one, {"fieldsV1"}); fields && !fields->is_null()) {
      TRY(entry.fields, FieldSet::from_json(*fields));
    }
    out[std::move(id)] = std::move(entry);
    ++number;
  }
  return out;
}

json::array encode_managed_fields(const ManagedFields& managed) {
  std::vector<const Item*> items;
  for (const Item& item : managed) {
    items.push_back(&item);
  }
  const auto order = [](const Item* item) {
    return std::tuple(std::string_view(item->first.operation), seconds_of(item->second.time),
                      std::string_view(item->first.manager),
                      std::string_view(item->second.api_version),
                      std::string_view(item->first.subresource));
  };
  std::sort(items.begin(), items.end(),
            [&](const Item* a, const Item* b) { return order(a) < order(b); });
  json::array out;
  for (const Item* item : items) {
    json::object one;
    one["apiVersion"] = item->second.api_version;
    one["fieldsType"] = "FieldsV1";
    one["fieldsV1"] = item->second.fields.to_json();
    if (!item->first.manager.empty()) {
      one["manager"] = item->first.manager;
    }
    one["operation"] = item->first.operation;
    if (!item->first.subresource.empty()) {
      one["subresource"] = item->first.subresource;
    }
    if (!item->second.time.empty()) {
      one["time"] = item->second.time;
    }
    out.push_back(std::move(one));
  }
  return out;
}

json::value managed_fields_of(const json::value& object) {
  const json::value* found = codec::find(object, {"metadata", "managedFields"});
  return found == nullptr ? json::value(nullptr) : *found;
}

void set_managed_fields(json::value& object, const ManagedFields& managed) {
  json::object& metadata = kube::metadata_of(object.get_object());
  if (managed.empty()) {
    metadata.erase("managedFields");
  } else {
    metadata["managedFields"] = encode_managed_fields(managed);
  }
}

void cap_managers(ManagedFields& managed) {
  std::vector<ManagerId> updaters;
  for (const auto& [id, entry] : managed) {
    if (!id.applies()) {
      updaters.push_back(id);
    }
  }
  std::size_t count = updaters.size();
  if (count <= kMaxUpdateManagers) {
    return;
  }
  std::sort(updaters.begin(), updaters.end(), [&](const ManagerId& a, const ManagerId& b) {
    return std::pair(seconds_of(managed[a].time), a) < std::pair(seconds_of(managed[b].time), b);
  });
  std::map<std::string, ManagerId> first_of_version;
  for (const ManagerId& id : updaters) {
    if (count <= kMaxUpdateManagers) {
      return;
    }
    const ManagedEntry entry = managed[id];
    const auto [first, fresh] = first_of_version.emplace(entry.api_version, id);
    if (fresh) {
      continue;
    }
    const ManagerId bucket{"ancient-changes", "Update", entry.api_version, ""};
    if (!managed.contains(bucket)) {
      managed[bucket] = managed[first->second];
      managed.erase(first->second);
    }
    managed[bucket].fields = managed[bucket].fields.united(entry.fields);
    managed[bucket].time = entry.time;
    managed.erase(id);
    --count;
  }
}

}  // namespace roadstead::objects
