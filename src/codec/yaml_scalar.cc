// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/ascii.h"
#include "base/utf8.h"
#include "codec/base64.h"

namespace roadstead::codec {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The fixed words. Nothing else in these spellings ("yEs") is a boolean.
std::optional<json::value> read_word(std::string_view text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) {
    return json::value(nullptr);
  }
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"})) {
    return json::value(true);
  }
  if (one_of(text, {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"})) {
    return json::value(false);
  }
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return json::value(HUGE_VAL);
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) {
    return json::value(-HUGE_VAL);
  }
  if (one_of(text, {".nan", ".NaN", ".NAN"})) {
    return json::value(std::nan(""));
  }
  return std::nullopt;
}

template <class T>
bool read_all(std::string_view digits, T& out, int base) {
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
  return !digits.empty() && r.ec == std::errc() && r.ptr == digits.data() + digits.size();
}

// As Go's strconv with base 0: 0x, 0o, 0b, a leading 0 for octal.
std::optional<json::value> read_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (text.empty() || !ascii::is_digit(text[0])) {
    return std::nullopt;
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = ascii::lower(text[1]);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  std::uint64_t magnitude = 0;
  if (!read_all(text, magnitude, base)) {
    return std::nullopt;
  }
  constexpr std::uint64_t kMin = std::uint64_t{1} << 63;
  if (negative) {
    return magnitude > kMin ? std::nullopt
                            : std::optional(json::value(static_cast<std::int64_t>(0 - magnitude)));
  }
  if (magnitude < kMin) {
    return json::value(static_cast<std::int64_t>(magnitude));
  }
  return json::value(magnitude);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  const auto digits = [&text] {
    const std::size_t n = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(n);
    return n;
  };
  const auto skip = [&text](std::string_view any) {
    const bool found = !text.empty() && any.find(text[0]) != std::string_view::npos;
    text.remove_prefix(found ? 1 : 0);
    return found;
  };
  skip("+-");
  const bool whole = digits() > 0;
  const bool part = skip(".") && digits() > 0;
  if (!whole && !part) {
    return false;
  }
  if (skip("eE")) {
    skip("+-");
    return digits() > 0 && text.empty();
  }
  return text.empty();
}

std::optional<json::value> read_float(std::string_view text) {
  if (!looks_like_float(text)) {
    return std::nullopt;
  }
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  double value = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  if (r.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  if (r.ec == std::errc::result_out_of_range) {
    // Too small is zero; too large is no number, and so a string.
    const std::size_t exponent = text.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos && text[exponent + 1] == '-';
    return tiny ? std::optional(json::value(0.0)) : std::nullopt;
  }
  return json::value(value);
}

std::optional<json::value> read_number(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  if (text[0] == '.') {
    return read_float(text);
  }
  if (!ascii::is_digit(text[0]) && text[0] != '-' && text[0] != '+') {
    return std::nullopt;
  }
  std::string plain(text);
  std::erase(plain, '_');
  auto integer = read_integer(plain);
  return integer.has_value() ? integer : read_float(plain);
}

// Go writes the float 1.0 to JSON as 1, which is then read as an integer. Beyond 2^53 it stays
// apart.
Result<json::value> settle(json::value value) {
  const double* number = value.if_double();
  if (number == nullptr) {
    return value;
  }
  if (!std::isfinite(*number)) {
    return Error(ErrorKind::InvalidArgument, "JSON has no infinity and no NaN");
  }
  if (std::trunc(*number) == *number && std::abs(*number) <= 0x1p53) {
    return json::value(static_cast<std::int64_t>(*number));
  }
  return value;
}

Error cannot_be(std::string_view text, std::string_view tag) {
  return Error(ErrorKind::InvalidArgument,
               "\"" + std::string(utf8::cut(text, 100)) + "\" is not a !!" + std::string(tag));
}

Result<json::value> read_binary(std::string_view text) {
  std::string compact(text);
  std::erase_if(compact, [](char c) { return c == '\n' || c == '\r'; });
  TRY(const std::string bytes, base64_decode(compact));
  if (!utf8::valid(bytes)) {
    return Error(ErrorKind::InvalidArgument, "!!binary holds bytes that JSON text cannot");
  }
  return json::value(bytes);
}

Result<json::value> read_tagged(std::string_view tag, std::string_view text) {
  if (tag == "binary") {
    return read_binary(text);
  }
  auto value = read_word(text);
  if (!value.has_value()) {
    value = read_number(text);
  }
  const bool matches =
      value.has_value() &&
      ((tag == "bool" && value->is_bool()) || (tag == "null" && value->is_null()) ||
       (tag == "int" && (value->is_int64() || value->is_uint64())) ||
       (tag == "float" && value->is_number()));
  if (!matches) {
    return cannot_be(text, tag);
  }
  return settle(*std::move(value));
}

// 2001-12-14, with or without a time.
bool looks_like_time(std::string_view text) {
  return text.size() > 5 && text[4] == '-' &&
         std::all_of(text.begin(), text.begin() + 4, ascii::is_digit);
}

}  // namespace

Result<json::value> resolve_yaml_scalar(std::string_view tag, std::string_view text, bool plain) {
  if (tag.starts_with(kTagPrefix)) {
    tag.remove_prefix(kTagPrefix.size());
    if (one_of(tag, {"bool", "null", "int", "float", "binary"})) {
      return read_tagged(tag, text);
    }
    if (tag == "timestamp" && !looks_like_time(text)) {
      return cannot_be(text, tag);
    }
  }
  if (!tag.empty() || !plain) {
    return json::value(text);  // !!str, and tags that nobody here knows
  }
  auto value = read_word(text);
  if (!value.has_value()) {
    value = read_number(text);
  }
  return value.has_value() ? settle(*std::move(value)) : json::value(text);
}

Result<std::string> yaml_key_text(const json::value& key) {
  switch (key.kind()) {
    case json::kind::string:
      return std::string(key.get_string());
    case json::kind::bool_:
      return std::string(key.get_bool() ? "true" : "false");
    case json::kind::int64:
      return std::to_string(key.get_int64());
    case json::kind::double_: {
      // As Go's 'g' format in 32 bits.
      std::array<char, 64> out{};
      const auto value = static_cast<float>(key.get_double());
      const float size = std::abs(value);
      const bool scientific = size != 0 && (size < 1e-4F || size >= 1e6F);
      const auto end =
          std::to_chars(out.data(), out.data() + out.size(), value,
                        scientific ? std::chars_format::scientific : std::chars_format::fixed);
      return std::string(out.data(), end.ptr);
    }
    default:
      return Error(ErrorKind::InvalidArgument,
                   "a mapping key must be a string, a number or a boolean");
  }
}

bool yaml_plain_is_string(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') {
    return false;
  }
  const bool letter = ascii::is_alpha(text[0]) || text[0] == '/' || text[0] == '_';
  // Digits only where no reader sees a time or a base 60 number: 10.0.0.1, 5s.
  const bool digit = ascii::is_digit(text[0]) && text.find_first_of(":-") == std::string_view::npos;
  if (!letter && !digit) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool safe = ascii::is_alpha(c) || ascii::is_digit(c) ||
                      std::string_view("_./@+=-()*!%$&;~ ").find(c) != std::string_view::npos ||
                      (c == ':' && text[i + 1] != ' ');
    if (!safe) {
      return false;
    }
  }
  const auto read = resolve_yaml_scalar("", text, true);
  return read.ok() && read->is_string();
}

}  // namespace roadstead::codec
