// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include "base/ascii.h"
#include "codec/yaml.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

std::string cell_text(const json::value& cell) {
  if (cell.is_string()) {
    return std::string(cell.get_string());
  }
  return cell.is_null() ? "<none>" : codec::write_json(cell);
}

const json::array* array_at(const json::value& value, std::string_view name) {
  const json::value* found = codec::find(value, {name});
  return found != nullptr && found->is_array() ? &found->get_array() : nullptr;
}

}  // namespace

Result<Format> parse_format(std::string_view text) {
  if (text == "table") {
    return Format::Table;
  }
  if (text == "wide") {
    return Format::Wide;
  }
  if (text == "json") {
    return Format::Json;
  }
  if (text == "yaml") {
    return Format::Yaml;
  }
  if (text == "name") {
    return Format::Name;
  }
  return Error(ErrorKind::InvalidArgument,
               "--output: \"" + printable(text) + "\" is not one of " + std::string(kFormats));
}

Table table_of(const json::value& server_table, bool wide) {
  Table table;
  std::vector<bool> shown;
  if (const json::array* columns = array_at(server_table, "columnDefinitions")) {
    for (const json::value& column : *columns) {
      shown.push_back(wide || codec::int_at(column, {"priority"}) == 0);
      if (shown.back()) {
        table.columns.emplace_back(codec::string_at(column, {"name"}));
      }
    }
  }
  if (const json::array* rows = array_at(server_table, "rows")) {
    for (const json::value& row : *rows) {
      std::vector<std::string> cells;
      const json::array* from = array_at(row, "cells");
      for (std::size_t i = 0; from != nullptr && i < std::min(from->size(), shown.size()); ++i) {
        if (shown[i]) {
          cells.push_back(cell_text((*from)[i]));
        }
      }
      table.rows.push_back(std::move(cells));
    }
  }
  return table;
}

std::string object_reference(const json::value& object) {
  const std::string_view version = codec::string_at(object, {"apiVersion"});
  const std::size_t slash = version.find('/');
  std::string out = ascii::to_lower(codec::string_at(object, {"kind"}));
  if (slash != std::string_view::npos) {
    out.append(".").append(version.substr(0, slash));
  }
  return out.append("/").append(kube::name_of(object));
}

Result<std::string> format_object(const json::value& object, Format format) {
  switch (format) {
    case Format::Json:
      return codec::write_json_pretty(object) + '\n';
    case Format::Yaml:
      return codec::write_yaml(object);
    case Format::Name: {
      const json::array* items = array_at(object, "items");
      if (items == nullptr) {
        return printable(object_reference(object)) + '\n';
      }
      std::string kind(codec::string_at(object, {"kind"}));
      if (kind.ends_with("List")) {
        kind.resize(kind.size() - 4);
      }
      std::string out;
      for (const json::value& item : *items) {
        // Items of a list may come without their kind.
        const json::object named{{"apiVersion", codec::string_at(object, {"apiVersion"})},
                                 {"kind", kind},
                                 {"metadata", {{"name", kube::name_of(item)}}}};
        out += printable(object_reference(named)) + '\n';
      }
      return out;
    }
    case Format::Table:
    case Format::Wide:
      break;
  }
  return Error(ErrorKind::Internal, "a table is made by the server");
}

Result<void> Printer::print(const json::value& object) const {
  TRY(const std::string text, format_object(object, format));
  out << text;
  return {};
}

Result<void> Printer::print_from(ApiClient& api, const std::string& path,
                                 std::string_view empty) const {
  const bool tabular = format == Format::Table || format == Format::Wide;
  TRY(const json::value answer, api.get(path, tabular ? kAsTable : "application/json"));
  if (!tabular) {
    return print(answer);
  }
  if (codec::string_at(answer, {"kind"}) != "Table") {
    return Error(ErrorKind::Upstream, "the hub answered no table; try -o json");
  }
  const Table table = table_of(answer, format == Format::Wide);
  if (table.rows.empty()) {
    err << empty << '\n';
    return {};
  }
  out << format_table(table);
  return {};
}

}  // namespace roadstead::cli
