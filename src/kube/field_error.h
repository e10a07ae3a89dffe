// SPDX-License-Identifier: Apache-2.0
// What is wrong with one field of an object, worded as the API server words it
// (apimachinery/pkg/util/validation/field). Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"

namespace roadstead::kube {

namespace json = boost::json;

enum class FieldErrorType : unsigned char {
  Required,
  Duplicate,
  Invalid,
  NotSupported,
  Forbidden,
  TooLong,
  TooMany,
  TypeInvalid,
};

struct FieldError {
  FieldErrorType type;
  std::string field;  // "spec.agent.replicas"
  std::string body;   // "Invalid value: 9: should be ..."

  std::string to_string() const { return field + ": " + body; }
};

using FieldErrors = std::vector<FieldError>;

std::string_view cause_reason(FieldErrorType type);  // "FieldValueRequired"

FieldError required(std::string field, std::string_view detail = {});
FieldError forbidden(std::string field, std::string_view detail);
FieldError duplicate(std::string field, const json::value& value);
FieldError invalid(std::string field, const json::value& value, std::string_view detail);
FieldError type_invalid(std::string field, const json::value& value, std::string_view detail);
FieldError not_supported(std::string field, const json::value& value,
                         const std::vector<std::string>& supported);
FieldError too_long(std::string field, std::int64_t max_bytes);
FieldError too_many(std::string field, std::int64_t actual, std::int64_t max_items);

// A string in double quotes with Go's escapes (strconv.Quote).
std::string quote(std::string_view text);
// As Go prints a JSON value inside messages: strings quoted, numbers plain, the rest as JSON.
std::string print_value(const json::value& value);

}  // namespace roadstead::kube
