// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"

namespace roadstead::config {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

constexpr std::uint64_t kSecond = 1'000'000'000;
// Largest first, as they are written.
constexpr std::array<Unit, 7> kTimeUnits{{{"d", 86'400 * kSecond},
                                          {"h", 3600 * kSecond},
                                          {"m", 60 * kSecond},
                                          {"s", kSecond},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};
constexpr std::array<Unit, 14> kSizeUnits{{{"TiB", 1ULL << 40},
                                           {"GiB", 1ULL << 30},
                                           {"MiB", 1ULL << 20},
                                           {"KiB", 1ULL << 10},
                                           {"Ti", 1ULL << 40},
                                           {"Gi", 1ULL << 30},
                                           {"Mi", 1ULL << 20},
                                           {"Ki", 1ULL << 10},
                                           {"TB", 1'000'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MB", 1'000'000},
                                           {"kB", 1'000},
                                           {"B", 1},
                                           {"", 1}}};

// Reads "1.5h" off the front; false when it is no number with a unit of the list, or too large.
template <std::size_t N>
bool read_part(std::string_view& text, const std::array<Unit, N>& units, std::uint64_t limit,
               std::uint64_t& out) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || !ascii::is_digit(text[0]) || read.ec != std::errc() ||
      read.ptr != text.data() + digits || text[digits - 1] == '.') {
    return false;
  }
  std::string_view rest = text.substr(digits);
  const std::string_view unit =
      rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
  for (const auto& [name, factor] : units) {
    if (name == unit) {
      std::uint64_t whole = 0;
      const auto exact = std::from_chars(text.data(), text.data() + digits, whole);
      const double rounded = number * static_cast<double>(factor);
      if (exact.ptr == text.data() + digits) {
        if (exact.ec != std::errc() || whole > limit / factor) {
          return false;
        }
        out = whole * factor;
      } else if (rounded >= static_cast<double>(limit)) {
        return false;
      } else {
        out = static_cast<std::uint64_t>(std::llround(rounded));
      }
      text = rest.substr(unit.size());
      return true;
    }
  }
  return false;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(utf8::cut(text, 100)) + "\"";
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::uint64_t kLimit = INT64_MAX;
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::uint64_t part = 0;
  bool good = !text.empty();
  if (text == "0") {
    return Duration::zero();
  }
  while (good && !rest.empty()) {
    good = read_part(rest, kTimeUnits, kLimit - total, part);
    total += good ? part : 0;
  }
  if (!good) {
    return Error(ErrorKind::InvalidArgument,
                 quoted(text) + " is not a duration such as 250ms, 5s, 1h30m or 7d");
  }
  return Duration(static_cast<Duration::rep>(total));
}

std::string format_duration(Duration d) {
  auto rest = static_cast<std::uint64_t>(d.count() < 0 ? 0 : d.count());
  std::string out;
  for (const auto& [name, factor] : kTimeUnits) {
    if (rest >= factor) {
      out.append(std::to_string(rest / factor)).append(name);
      rest %= factor;
    }
  }
  return out.empty() ? "0s" : out;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  std::uint64_t size = 0;
  if (!read_part(rest, kSizeUnits, UINT64_MAX, size) || !rest.empty()) {
    return Error(ErrorKind::InvalidArgument,
                 quoted(text) + " is not a size such as 4096, 64KiB, 16MiB or 1GB");
  }
  return size;
}

std::string format_size(std::uint64_t bytes) {
  for (const auto& [name, factor] : kSizeUnits) {
    if (name.ends_with("iB") && bytes >= factor && bytes % factor == 0) {
      return std::to_string(bytes / factor).append(name);
    }
  }
  return std::to_string(bytes) + "B";
}

}  // namespace roadstead::config
