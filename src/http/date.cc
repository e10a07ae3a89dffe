// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <cstdio>

namespace roadstead::http {

std::string format_http_date(WallTime t) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(t - day));
  char out[64];
  const int n = std::snprintf(out, sizeof(out), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                              kDays[std::chrono::weekday(day).c_encoding()], unsigned(date.day()),
                              kMonths[unsigned(date.month()) - 1], int(date.year()),
                              int(time.hours().count()), int(time.minutes().count()),
                              int(time.seconds().count()));
  return std::string(out, static_cast<std::size_t>(n));
}

}  // namespace roadstead::http
