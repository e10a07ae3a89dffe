// SPDX-License-Identifier: Apache-2.0
#include "objects/table.h"

#include "base/rfc3339.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kNameDescription =
    "Name must be unique within a namespace. Is required when creating resources, although some "
    "resources may allow a client to request the generation of an appropriate name automatically. "
    "Name is primarily intended for creation idempotence and configuration definition. Cannot be "
    "updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

json::object column(std::string_view name, std::string_view type, std::string_view format,
                    std::string_view description, std::int64_t priority) {
  json::object out;
  out["name"] = name;
  out["type"] = type;
  out["format"] = format;
  out["description"] = description;
  out["priority"] = priority;
  return out;
}

json::array headers_of(const Kind& kind) {
  json::array out;
  out.push_back(column("Name", "string", "name", kNameDescription, 0));
  for (const PrinterColumn& c : kind.columns) {
    // Kubernetes' own kinds show ages as plain text.
    const std::string_view type = kind.native ? std::string_view("string") : c.type;
    out.push_back(column(c.name, type, c.format, c.description, c.priority));
  }
  return out;
}

json::value date_cell(const json::value& value, WallTime now) {
  if (!value.is_string()) {
    return nullptr;
  }
  const auto then = parse_rfc3339(value.get_string());
  if (!then.ok()) {
    return "<invalid>";
  }
  return json::value(human_duration(now - *then));
}

json::value cell(const PrinterColumn& column, const json::value& value, WallTime now) {
  if (value.is_null()) {
    return nullptr;
  }
  if (column.type == "string") {
    return value.is_string() ? value : json::value(codec::write_json(value));
  }
  if (column.type == "date") {
    return date_cell(value, now);
  }
  if (column.type == "integer" && value.is_number()) {
    return value.is_double() ? json::value(static_cast<std::int64_t>(value.get_double())) : value;
  }
  if (column.type == "number" && value.is_number()) {
    return value;
  }
  if (column.type == "boolean" && value.is_bool()) {
    return value;
  }
  return nullptr;
}

json::object row_of(const Kind& kind, const json::value& object, const TableOptions& options,
                    WallTime now) {
  json::array cells;
  cells.push_back(json::value(kube::name_of(object)));
  for (const PrinterColumn& c : kind.columns) {
    const json::value* found = c.path.first(object);
    cells.push_back(found == nullptr ? json::value(nullptr) : cell(c, *found, now));
  }
  json::object row;
  row["cells"] = std::move(cells);
  switch (options.include) {
    case IncludeObject::Metadata:
      row["object"] = partial_metadata(object, options.version);
      break;
    case IncludeObject::Object:
      row["object"] = object;
      break;
    case IncludeObject::None:
      row["object"] = nullptr;
      break;
  }
  return row;
}

std::string number_and(std::int64_t n, std::string_view unit) {
  return std::to_string(n) + std::string(unit);
}

std::string two(std::int64_t big, std::string_view big_unit, std::int64_t small,
                std::string_view small_unit) {
  return number_and(big, big_unit) + (small == 0 ? "" : number_and(small, small_unit));
}

}  // namespace

std::string human_duration(Duration d) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(d).count();
  if (seconds < -1) {
    return "<invalid>";
  }
  if (seconds < 0) {
    return "0s";
  }
  if (seconds < 120) {
    return number_and(seconds, "s");
  }
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) {
    return two(minutes, "m", seconds % 60, "s");
  }
  if (minutes < 180) {
    return number_and(minutes, "m");
  }
  const std::int64_t hours = minutes / 60;
  if (hours < 8) {
    return two(hours, "h", minutes % 60, "m");
  }
  if (hours < 48) {
    return number_and(hours, "h");
  }
  const std::int64_t days = hours / 24;
  if (hours < 24 * 8) {
    return two(days, "d", hours % 24, "h");
  }
  if (days < 365 * 2) {
    return number_and(days, "d");
  }
  if (days < 365 * 8) {
    return two(days / 365, "y", days % 365, "d");
  }
  return number_and(days / 365, "y");
}

json::object partial_metadata(const json::value& object, std::string_view version) {
  json::object out;
  out["kind"] = "PartialObjectMetadata";
  out["apiVersion"] = "meta.k8s.io/" + std::string(version);
  const json::value* metadata = codec::find(object, {"metadata"});
  out["metadata"] = metadata == nullptr ? json::value(json::object()) : *metadata;
  return out;
}

json::object table_of(const Kind& kind, const std::vector<ObjectPtr>& objects, const ListMeta& meta,
                      const TableOptions& options, WallTime now) {
  json::object out;
  out["kind"] = "Table";
  out["apiVersion"] = "meta.k8s.io/" + options.version;
  json::object list_meta;
  if (meta.revision != 0) {
    list_meta["resourceVersion"] = std::to_string(meta.revision);
  }
  if (!meta.continue_token.empty()) {
    list_meta["continue"] = meta.continue_token;
  }
  if (meta.remaining) {
    list_meta["remainingItemCount"] = *meta.remaining;
  }
  out["metadata"] = std::move(list_meta);
  if (options.headers) {
    out["columnDefinitions"] = headers_of(kind);
  } else {
    out["columnDefinitions"] = nullptr;
  }
  json::array rows;
  for (const ObjectPtr& object : objects) {
    rows.push_back(row_of(kind, object->parse(), options, now));
  }
  out["rows"] = std::move(rows);
  return out;
}

}  // namespace roadstead::objects
