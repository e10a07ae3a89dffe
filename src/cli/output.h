// SPDX-License-Identifier: Apache-2.0
// The one place that formats objects: -o table|wide|json|yaml|name.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/api_client.h"
#include "cli/text.h"

namespace roadstead::cli {

enum class Format : unsigned char { Table, Wide, Json, Yaml, Name };

inline constexpr std::string_view kFormats = "table, wide, json, yaml, name";
Result<Format> parse_format(std::string_view text);

// A meta.k8s.io Table as the server made it; wide shows the columns of lower priority too.
Table table_of(const json::value& server_table, bool wide);

// An object or a list of objects, in any format but the tables.
Result<std::string> format_object(const json::value& object, Format format);

// Gets a path in the form that the format needs, and prints it. `empty` is said when a list has
// nothing in it (to `err`, so that scripts see no output).
struct Printer {
  std::ostream& out;
  std::ostream& err;
  Format format = Format::Table;
  Result<void> print_from(ApiClient& api, const std::string& path, std::string_view empty) const;
  Result<void> print(const json::value& object) const;
};

// "cluster.roadstead.io/ack"
std::string object_reference(const json::value& object);

}  // namespace roadstead::cli
