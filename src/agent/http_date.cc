// SPDX-License-Identifier: Apache-2.0
#include "agent/http_date.h"

#include <array>
#include <string>

#include "base/rfc3339.h"

namespace roadstead::agent {

std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths[i]) {
      const std::string month = (i < 9 ? "0" : "") + std::to_string(i + 1);
      const auto time = parse_rfc3339(std::string(text.substr(12, 4)) + '-' + month + '-' +
                                      std::string(text.substr(5, 2)) + 'T' +
                                      std::string(text.substr(17, 8)) + 'Z');
      return time.ok() ? std::optional<WallTime>(*time) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace roadstead::agent
