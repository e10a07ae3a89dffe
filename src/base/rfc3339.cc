// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"

#include <array>

#include "base/ascii.h"

namespace roadstead {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

void put(std::string& out, int value, std::size_t width) {
  std::array<char, 8> digits;
  for (std::size_t i = width; i-- > 0; value /= 10) {
    digits[i] = static_cast<char>('0' + value % 10);
  }
  out.append(digits.data(), width);
}

// By hand instead of snprintf: every audit record holds two.
void append(std::string& out, WallTime t, bool micro) {
  const auto day = std::chrono::floor<days>(t);
  const std::chrono::year_month_day ymd(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::microseconds>(t - day));
  put(out, int(ymd.year()), 4);
  out.push_back('-');
  put(out, int(unsigned(ymd.month())), 2);
  out.push_back('-');
  put(out, int(unsigned(ymd.day())), 2);
  out.push_back('T');
  put(out, int(time.hours().count()), 2);
  out.push_back(':');
  put(out, int(time.minutes().count()), 2);
  out.push_back(':');
  put(out, int(time.seconds().count()), 2);
  if (micro) {
    out.push_back('.');
    put(out, int(time.subseconds().count()), 6);
  }
  out.push_back('Z');
}

// Reads exactly `width` digits.
bool digits(std::string_view& text, std::size_t width, int& out) {
  if (text.size() < width) {
    return false;
  }
  out = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (!ascii::is_digit(text[i])) {
      return false;
    }
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return true;
}

bool literal(std::string_view& text, char c) {
  if (text.empty() || ascii::lower(text[0]) != ascii::lower(c)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

bool fraction(std::string_view& text, Duration& out) {
  if (!literal(text, '.')) {
    return true;
  }
  Duration::rep scale = 100'000'000;
  std::size_t seen = 0;
  while (!text.empty() && ascii::is_digit(text[0])) {
    out += Duration((text[0] - '0') * scale);
    scale /= 10;
    ++seen;
    text.remove_prefix(1);
  }
  return seen > 0;
}

bool offset(std::string_view& text, Duration& out) {
  if (literal(text, 'Z')) {
    return true;
  }
  if (text.empty() || (text[0] != '+' && text[0] != '-')) {
    return false;
  }
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  int h = 0;
  int m = 0;
  if (!digits(text, 2, h) || !literal(text, ':') || !digits(text, 2, m) || h > 23 || m > 59) {
    return false;
  }
  out = sign * (std::chrono::hours(h) + std::chrono::minutes(m));
  return true;
}

}  // namespace

std::string format_rfc3339(WallTime t) {
  std::string out;
  append(out, t, false);
  return out;
}

std::string format_rfc3339_micro(WallTime t) {
  std::string out;
  append(out, t, true);
  return out;
}

void append_rfc3339_micro(std::string& out, WallTime t) { append(out, t, true); }

Result<WallTime> parse_rfc3339(std::string_view text) {
  const std::string_view whole = text;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  Duration sub{}, off{};
  const bool ok = digits(text, 4, y) && literal(text, '-') && digits(text, 2, mo) &&
                  literal(text, '-') && digits(text, 2, d) && literal(text, 'T') &&
                  digits(text, 2, h) && literal(text, ':') && digits(text, 2, mi) &&
                  literal(text, ':') && digits(text, 2, s) && fraction(text, sub) &&
                  offset(text, off) && text.empty();
  const std::chrono::year_month_day ymd{std::chrono::year(y), std::chrono::month(unsigned(mo)),
                                        std::chrono::day(unsigned(d))};
  // Years outside this range do not fit nanoseconds in 64 bits.
  if (!ok || !ymd.ok() || y < 1700 || y > 2200 || h > 23 || mi > 59 || s > 60) {
    return Error(ErrorKind::InvalidArgument, "\"" + std::string(whole.substr(0, 64)) +
                                                 "\" is not an RFC 3339 time such as "
                                                 "2026-11-22T07:54:08Z");
  }
  return WallTime(sys_days(ymd)) + std::chrono::hours(h) + std::chrono::minutes(mi) +
         std::chrono::seconds(s) + sub - off;
}

}  // namespace roadstead
