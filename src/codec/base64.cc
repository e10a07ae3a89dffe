// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace roadstead::codec {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet, bool padding) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= n) {
        out.push_back(alphabet[(group >> (18 - 6 * k)) & 63]);
      } else if (padding) {
        out.push_back('=');
      }
    }
  }
  return out;
}

constexpr std::array<signed char, 256> reverse(std::string_view alphabet) {
  std::array<signed char, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
  }
  return table;
}

Error bad(std::string_view what) {
  return Error(ErrorKind::InvalidArgument, "not valid base64: " + std::string(what));
}

// `text` without padding.
Result<std::string> decode(std::string_view text, const std::array<signed char, 256>& table) {
  if (text.size() % 4 == 1) {
    return bad("wrong length");
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int v = table[static_cast<unsigned char>(c)];
    if (v < 0) {
      return bad("a character outside the alphabet");
    }
    bits = (bits << 6) | static_cast<std::uint32_t>(v);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xFF));
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) {
    return bad("trailing bits are not zero");
  }
  return out;
}

}  // namespace

std::string base64_encode(std::string_view bytes) { return encode(bytes, kStandard, true); }
std::string base64url_encode(std::string_view bytes) { return encode(bytes, kUrl, false); }

Result<std::string> base64_decode(std::string_view text) {
  static constexpr auto kTable = reverse(kStandard);
  if (text.size() % 4 != 0) {
    return bad("the length is not a multiple of 4");
  }
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, kTable);
}

Result<std::string> base64url_decode(std::string_view text) {
  static constexpr auto kTable = reverse(kUrl);
  return decode(text, kTable);
}

}  // namespace roadstead::codec
