// SPDX-License-Identifier: Apache-2.0
#include "kube/field_error.h"

#include <array>
#include <charconv>
#include <cmath>

namespace roadstead::kube {
namespace {

FieldError make(FieldErrorType type, std::string field, std::string body, std::string_view detail) {
  if (!detail.empty()) {
    body.append(": ").append(detail);
  }
  return FieldError{type, std::move(field), std::move(body)};
}

void append_escaped(std::string& out, unsigned char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (c < 0x20 || c == 0x7f) {
    out += "\\x";
    out += kHex[c >> 4];
    out += kHex[c & 15];
    return;
  }
  out += static_cast<char>(c);
}

// Go's %v of a float64: shortest form, exponent from 21 digits on.
std::string print_double(double value) {
  std::array<char, 64> buffer;
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e21);
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buffer.data(), end.ptr);
}

}  // namespace

std::string_view cause_reason(FieldErrorType type) {
  switch (type) {
    case FieldErrorType::Required:
      return "FieldValueRequired";
    case FieldErrorType::Duplicate:
      return "FieldValueDuplicate";
    case FieldErrorType::Invalid:
      return "FieldValueInvalid";
    case FieldErrorType::NotSupported:
      return "FieldValueNotSupported";
    case FieldErrorType::Forbidden:
      return "FieldValueForbidden";
    case FieldErrorType::TooLong:
      return "FieldValueTooLong";
    case FieldErrorType::TooMany:
      return "FieldValueTooMany";
    case FieldErrorType::TypeInvalid:
      return "FieldValueTypeInvalid";
  }
  return "FieldValueInvalid";
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    append_escaped(out, static_cast<unsigned char>(c));
  }
  out += '"';
  return out;
}

std::string print_value(const json::value& value) {
  if (const json::string* text = value.if_string()) {
    return quote(std::string_view(text->data(), text->size()));
  }
  if (const double* number = value.if_double()) {
    return print_double(*number);
  }
  return codec::write_json(value);
}

FieldError required(std::string field, std::string_view detail) {
  return make(FieldErrorType::Required, std::move(field), "Required value", detail);
}

FieldError forbidden(std::string field, std::string_view detail) {
  return make(FieldErrorType::Forbidden, std::move(field), "Forbidden", detail);
}

FieldError duplicate(std::string field, const json::value& value) {
  return make(FieldErrorType::Duplicate, std::move(field), "Duplicate value: " + print_value(value),
              {});
}

FieldError invalid(std::string field, const json::value& value, std::string_view detail) {
  return make(FieldErrorType::Invalid, std::move(field), "Invalid value: " + print_value(value),
              detail);
}

FieldError type_invalid(std::string field, const json::value& value, std::string_view detail) {
  return make(FieldErrorType::TypeInvalid, std::move(field), "Invalid value: " + print_value(value),
              detail);
}

FieldError not_supported(std::string field, const json::value& value,
                         const std::vector<std::string>& supported) {
  std::string detail;
  for (const std::string& one : supported) {
    detail += detail.empty() ? "supported values: " : ", ";
    detail += quote(one);
  }
  return make(FieldErrorType::NotSupported, std::move(field),
              "Unsupported value: " + print_value(value), detail);
}

FieldError too_long(std::string field, std::int64_t max_bytes) {
  return make(
      FieldErrorType::TooLong, std::move(field), "Too long",
      "may not be more than " + std::to_string(max_bytes) + (max_bytes == 1 ? " byte" : " bytes"));
}

FieldError too_many(std::string field, std::int64_t actual, std::int64_t max_items) {
  return make(
      FieldErrorType::TooMany, std::move(field), "Too many: " + std::to_string(actual),
      "must have at most " + std::to_string(max_items) + (max_items == 1 ? " item" : " items"));
}

}  // namespace roadstead::kube
