// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/rfc3339.h"
#include "base/utf8.h"
#include "telemetry/log.h"

namespace roadstead::telemetry {
namespace {

constexpr std::size_t kMaxValue = 4096;
constexpr std::size_t kMaxKey = 128;
constexpr std::size_t kUsualLine = 512;
constexpr std::string_view kCut = "...";

std::string_view level_name(LogLevel level, bool padded) {
  static constexpr std::array<std::string_view, 4> kPadded{"DEBUG", "INFO ", "WARN ", "ERROR"};
  static constexpr std::array<std::string_view, 4> kLower{"debug", "info", "warn", "error"};
  return (padded ? kPadded : kLower)[static_cast<std::size_t>(level)];
}

void append_unicode_escape(std::string& out, std::uint32_t c) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) {
    out.push_back(kHex[(c >> shift) & 15]);
  }
}

// Needs no look at what it means.
bool is_plain(char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; }

// Escapes as JSON does, which is readable in text lines too. Bytes that are not UTF-8 become
// U+FFFD.
void append_escaped(std::string& out, std::string_view text, std::size_t limit, bool quotes) {
  const std::string_view kept = utf8::cut(text, limit);
  std::string_view rest = kept;
  while (!rest.empty()) {
    const auto odd = std::find_if_not(rest.begin(), rest.end(), is_plain);
    out.append(rest.begin(), odd);
    rest.remove_prefix(static_cast<std::size_t>(odd - rest.begin()));
    if (rest.empty()) {
      break;
    }
    const utf8::CodePoint c = utf8::decode(rest);
    if (quotes && (c.value == '"' || c.value == '\\')) {
      out.push_back('\\');
      out.push_back(rest[0]);
    } else if (c.value == '\n') {
      out.append("\\n");
    } else if (c.value == '\r') {
      out.append("\\r");
    } else if (c.value == '\t') {
      out.append("\\t");
    } else if (c.value == utf8::kInvalid) {
      out.append("\\ufffd");
    } else if (utf8::is_unsafe_to_print(c.value)) {
      append_unicode_escape(out, c.value);
    } else {
      out.append(rest.substr(0, c.length));
    }
    rest.remove_prefix(c.length);
  }
  if (kept.size() < text.size()) {
    out.append(kCut);
  }
}

void append_quoted(std::string& out, std::string_view text, std::size_t limit) {
  out.push_back('"');
  append_escaped(out, text, limit, true);
  out.push_back('"');
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) {
    return true;
  }
  for (const char c : value) {
    const auto b = static_cast<unsigned char>(c);
    if (b <= ' ' || b >= 0x7F || c == '"' || c == '\\' || c == '=') {
      return true;
    }
  }
  return false;
}

// Milliseconds are enough for people and keep the columns short.
void append_time_stamp(std::string& out, WallTime time) {
  append_rfc3339_micro(out, time);
  out.resize(out.size() - std::string_view("000Z").size());
  out.push_back('Z');
}

template <class Field>
void append_text(std::string& out, WallTime time, LogLevel level, std::string_view event,
                 std::span<const Field> fields) {
  append_time_stamp(out, time);
  out.append(" ").append(level_name(level, true)).append(" ");
  append_escaped(out, event, kMaxValue, false);
  for (const Field& field : fields) {
    out.push_back(' ');
    append_escaped(out, field.key, kMaxKey, false);
    out.push_back('=');
    if (needs_quotes(field.value)) {
      append_quoted(out, field.value, kMaxValue);
    } else if (field.value.size() <= kMaxValue) {
      out.append(field.value);  // printable ASCII, as needs_quotes() saw
    } else {
      append_escaped(out, field.value, kMaxValue, false);
    }
  }
  out.push_back('\n');
}

template <class Field>
void append_json(std::string& out, WallTime time, LogLevel level, std::string_view event,
                 std::span<const Field> fields) {
  out.append("{\"time\":\"");
  append_time_stamp(out, time);
  out.append("\",\"level\":\"").append(level_name(level, false)).append("\",\"event\":");
  append_quoted(out, event, kMaxValue);
  for (const Field& field : fields) {
    const bool reserved = field.key == "time" || field.key == "level" || field.key == "event";
    out.push_back(',');
    if (reserved) {
      append_quoted(out, "field." + std::string(field.key), kMaxKey);
    } else {
      append_quoted(out, field.key, kMaxKey);
    }
    out.push_back(':');
    if (field.bare) {
      out.append(field.value);
    } else {
      append_quoted(out, field.value, kMaxValue);
    }
  }
  out.append("}\n");
}

}  // namespace

std::string format_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::span<const LogField> fields) {
  std::string out;
  out.reserve(kUsualLine);
  if (format == LogFormat::Text) {
    append_text(out, time, level, event, fields);
  } else {
    append_json(out, time, level, event, fields);
  }
  return out;
}

void append_log_line(std::string& out, LogFormat format, WallTime time, LogLevel level,
                     std::string_view event, std::span<const LogFieldView> fields) {
  if (format == LogFormat::Text) {
    append_text(out, time, level, event, fields);
  } else {
    append_json(out, time, level, event, fields);
  }
}

}  // namespace roadstead::telemetry
