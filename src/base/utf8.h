// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8 reading (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roadstead::utf8 {

inline constexpr std::uint32_t kInvalid = 0xFFFFFFFF;

struct CodePoint {
  std::uint32_t value = kInvalid;
  std::size_t length = 1;  // bytes read; 1 for a byte that starts nothing valid
};

// Reads the first code point of a text that is not empty.
constexpr CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) {
    return {};
  }
  std::uint32_t value = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return {};
    }
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
    return {};
  }
  return {value, length};
}

constexpr bool valid(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = decode(text);
    if (c.value == kInvalid) {
      return false;
    }
    text.remove_prefix(c.length);
  }
  return true;
}

// At most `limit` bytes of the text, never half a code point of a valid text.
constexpr std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

// C0, DEL and C1 controls, line separators and the marks that reorder text: what lets a value
// forge a line or hide in a terminal.
constexpr bool is_unsafe_to_print(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace roadstead::utf8
