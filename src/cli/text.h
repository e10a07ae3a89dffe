// SPDX-License-Identifier: Apache-2.0
// Text for people: ages, tables, colours, and the guard between a terminal and what others wrote.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace roadstead::cli {

// "40s", "5m12s", "3h", "6d": at most two units, as kubectl shows ages.
std::string age_text(Duration age);
// "40s ago", "in 6d"; the text itself when it is no time stamp.
std::string relative_time(std::string_view rfc3339, WallTime now);

// "90s", "10m", "2h30m", "7d"; the error names what is accepted.
Result<Duration> parse_duration(std::string_view text);

// Without control characters, escape sequences and marks that reorder text: names and messages may
// come from a cluster that nobody trusts. Line ends become spaces.
std::string printable(std::string_view text);

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};
// Columns are as wide as their widest cell and three spaces apart; the last one is not padded.
std::string format_table(const Table& table, bool headers = true);

// Terminal cells that UTF-8 text takes, one for each character.
std::size_t width_of(std::string_view text);

enum class Colour : unsigned char { Plain, Good, Bad, Waiting, Strong };
class Palette {
 public:
  explicit Palette(bool on) : on_(on) {}
  std::string paint(Colour colour, std::string_view text) const;

 private:
  bool on_;
};

}  // namespace roadstead::cli
