// SPDX-License-Identifier: Apache-2.0
// JSON as Boost.JSON values, with limits on input and errors as values. Numbers keep integers apart
// from doubles. Duplicate names are refused: parsers that disagree on them are an attack surface.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace roadstead::codec {

namespace json = boost::json;

struct JsonLimits {
  std::size_t max_bytes = 3u << 20;  // the API server's own request limit
  std::size_t max_depth = 100;
};

// The error names line and column.
Result<json::value> parse_json(std::string_view text, JsonLimits limits = {});
// Whether parse_json would read it, but for duplicate names: quick, builds nothing.
bool is_json(std::string_view text, JsonLimits limits = {});
std::string write_json(const json::value& value);
std::string write_json_sorted(const json::value& value);  // names of every object in order
std::string write_json_pretty(const json::value& value);  // two spaces

// Reads by path; each returns nullptr / fallback when a step is missing or of another type.
// `find(v, {"metadata", "name"})`.
const json::value* find(const json::value& root, std::initializer_list<std::string_view> path);
std::string_view string_at(const json::value& root, std::initializer_list<std::string_view> path,
                           std::string_view fallback = {});
std::int64_t int_at(const json::value& root, std::initializer_list<std::string_view> path,
                    std::int64_t fallback = 0);
bool bool_at(const json::value& root, std::initializer_list<std::string_view> path,
             bool fallback = false);

}  // namespace roadstead::codec
