// SPDX-License-Identifier: Apache-2.0
#include "objects/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "base/ascii.h"
#include "base/rfc3339.h"
#include "codec/base64.h"
#include "kube/names.h"

namespace roadstead::objects {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_ipv4(std::string_view text) {
  in_addr out{};
  return ::inet_pton(AF_INET, std::string(text).c_str(), &out) == 1;
}

bool is_ipv6(std::string_view text) {
  in6_addr out{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &out) == 1;
}

bool is_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return false;
  }
  const std::string_view address = text.substr(0, slash);
  const std::string_view bits = text.substr(slash + 1);
  unsigned length = 0;
  const auto read = std::from_chars(bits.data(), bits.data() + bits.size(), length);
  const bool number =
      !bits.empty() && read.ec == std::errc() && read.ptr == bits.data() + bits.size();
  return number && ((is_ipv4(address) && length <= 32) || (is_ipv6(address) && length <= 128));
}

// 6, 8 or 20 bytes: "00:11:22:33:44:55", with dashes, or "0011.2233.4455".
bool is_mac(std::string_view text) {
  const bool dots = text.size() > 4 && text[4] == '.';
  const char separator = dots ? '.' : text.size() > 2 ? text[2] : '\0';
  if (separator != ':' && separator != '-' && separator != '.') {
    return false;
  }
  const std::size_t width = dots ? 4 : 2;
  std::size_t bytes = 0;
  for (const std::string_view part : ascii::split(text, separator)) {
    if (part.size() != width || !std::all_of(part.begin(), part.end(), is_hex)) {
      return false;
    }
    bytes += width / 2;
  }
  return bytes == 6 || bytes == 8 || bytes == 20;
}

bool is_uuid(std::string_view text) {
  std::string digits;
  std::size_t at = 0;
  for (const std::size_t length : {8, 4, 4, 4, 12}) {
    if (at != 0 && at < text.size() && text[at] == '-') {
      ++at;
    }
    digits += text.substr(std::min(at, text.size()), length);
    at += length;
  }
  return at == text.size() && digits.size() == 32 &&
         std::all_of(digits.begin(), digits.end(), is_hex);
}

bool is_date(std::string_view text) {
  return text.size() == 10 && parse_rfc3339(std::string(text) + "T00:00:00Z").ok();
}

bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) {
    return false;
  }
  for (const std::string_view label : ascii::split(text, '.')) {
    const bool fits = !label.empty() && label.size() <= 63 && label.front() != '-' &&
                      label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               c == '-' || static_cast<unsigned char>(c) >= 0x80;
                      });
    if (!fits) {
      return false;
    }
  }
  return true;
}

bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  const bool split = at != std::string_view::npos && at > 0 && at + 1 < text.size();
  return split && text.find_first_of(" \t<>(),;:\"") == std::string_view::npos &&
         text.find('@') == at && text.front() != '.' && text[at - 1] != '.' &&
         text.find("..") == std::string_view::npos && is_hostname(text.substr(at + 1));
}

// url.ParseRequestURI: absolute, or a path from the root.
bool is_uri(std::string_view text) {
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) {
    return false;
  }
  if (text.starts_with('/')) {
    return true;
  }
  const std::size_t colon = text.find(':');
  const auto in_scheme = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.';
  };
  return colon != std::string_view::npos && colon > 0 && !is_digit(text[0]) &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), in_scheme) &&
         (text.substr(colon + 1).starts_with('/') || text.size() > colon + 1);
}

bool is_unit(std::string_view unit) {
  static constexpr std::array<std::string_view, 40> kUnits{
      "ns",           "nano", "nanos", "nanosecond", "nanoseconds",
      "us",           "µs",   "micro", "micros",     "microsecond",
      "microseconds", "ms",   "milli", "millis",     "millisecond",
      "milliseconds", "s",    "sec",   "secs",       "second",
      "seconds",      "m",    "min",   "mins",       "minute",
      "minutes",      "h",    "hr",    "hrs",        "hour",
      "hours",        "d",    "day",   "days",       "w",
      "wk",           "wks",  "week",  "weeks",      "nanoses"};
  return std::find(kUnits.begin(), kUnits.end(), unit) != kUnits.end();
}

// "3h2m", "1.5s", "3 days".
bool is_duration(std::string_view text) {
  if (text == "0") {
    return true;
  }
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  bool any = false;
  while (at < text.size()) {
    const std::size_t start = at;
    while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) {
      ++at;
    }
    if (at == start) {
      return false;
    }
    while (at < text.size() && text[at] == ' ') {
      ++at;
    }
    const std::size_t unit = at;
    while (at < text.size() && !is_digit(text[at]) && text[at] != ' ') {
      ++at;
    }
    if (!is_unit(text.substr(unit, at - unit))) {
      return false;
    }
    any = true;
  }
  return any;
}

struct Format {
  std::string_view name;
  bool (*fits)(std::string_view);
};

bool anything(std::string_view /*text*/) { return true; }
bool is_time(std::string_view text) { return parse_rfc3339(text).ok(); }
bool is_base64(std::string_view text) { return codec::base64_decode(text).ok(); }

constexpr std::array<Format, 18> kFormats{{
    {"byte", is_base64},
    {"cidr", is_cidr},
    {"date", is_date},
    {"date-time", is_time},
    {"double", anything},
    {"duration", is_duration},
    {"email", is_email},
    {"float", anything},
    {"hostname", is_hostname},
    {"int32", anything},
    {"int64", anything},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"mac", is_mac},
    {"password", anything},
    {"uri", is_uri},
    {"uuid", is_uuid},
    {"", anything},
}};

constexpr std::array<std::string_view, 14> kUnsupported{
    "bsonobjectid", "creditcard", "datetime",       "hexcolor",     "isbn",
    "isbn10",       "isbn13",     "rgbcolor",       "ssn",          "uuid3",
    "uuid4",        "uuid5",      "k8s-short-name", "k8s-long-name"};

}  // namespace

FormatSupport format_support(std::string_view format) {
  const bool checked = std::any_of(kFormats.begin(), kFormats.end(),
                                   [&](const Format& one) { return one.name == format; });
  if (checked) {
    return FormatSupport::Checked;
  }
  return std::find(kUnsupported.begin(), kUnsupported.end(), format) != kUnsupported.end()
             ? FormatSupport::Unsupported
             : FormatSupport::Ignored;
}

bool fits_format(std::string_view format, std::string_view text) {
  for (const Format& one : kFormats) {
    if (one.name == format) {
      return one.fits(text);
    }
  }
  return true;
}

}  // namespace roadstead::objects
