// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/rfc3339.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kGap = "   ";

struct Unit {
  char letter;
  std::int64_t seconds;
};
constexpr std::array<Unit, 4> kUnits{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

// One UTF-8 sequence from the front; 0 when it is broken.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

// C1 controls, and the characters of Unicode that change the direction of text or hide in it.
bool is_unsafe(std::string_view sequence) {
  if (sequence.size() == 2) {
    return sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
  }
  if (sequence.size() != 3 || sequence[0] != '\xe2') {
    return sequence == "\xef\xbb\xbf";  // U+FEFF
  }
  const auto second = static_cast<unsigned char>(sequence[1]);
  const auto third = static_cast<unsigned char>(sequence[2]);
  // U+200B..U+200F, U+2028..U+202E, U+2060..U+206F
  return (second == 0x80 &&
          ((third >= 0x8b && third <= 0x8f) || (third >= 0xa8 && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa0 && third <= 0xaf);
}

}  // namespace

std::string age_text(Duration age) {
  std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds <= 0) {
    return "0s";
  }
  // The finer unit is shown while it matters: below ten of the coarser.
  std::string out;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const std::int64_t count = seconds / kUnits[i].seconds;
    if (count == 0) {
      continue;
    }
    out = std::to_string(count) + kUnits[i].letter;
    if (count < 10 && i + 1 < kUnits.size()) {
      const std::int64_t rest = (seconds % kUnits[i].seconds) / kUnits[i + 1].seconds;
      if (rest > 0) {
        out += std::to_string(rest) + kUnits[i + 1].letter;
      }
    }
    break;
  }
  return out;
}

std::string relative_time(std::string_view rfc3339, WallTime now) {
  const auto time = parse_rfc3339(rfc3339);
  if (!time.ok()) {
    return printable(rfc3339);
  }
  return *time > now ? "in " + age_text(*time - now) : age_text(now - *time) + " ago";
}

Result<Duration> parse_duration(std::string_view text) {
  const Error wrong(ErrorKind::InvalidArgument,
                    '"' + printable(text) + "\" is no duration; write it as 90s, 10m, 2h30m or 7d");
  std::int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    const auto used = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || count < 0 || count > 1'000'000 || used >= rest.size()) {
      return wrong;
    }
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& u) { return u.letter == rest[used]; });
    if (unit == kUnits.end()) {
      return wrong;
    }
    total += count * unit->seconds;
    rest.remove_prefix(used + 1);
  }
  if (total == 0 || total > 3650LL * 86400) {
    return wrong;
  }
  return Duration(std::chrono::seconds(total));
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char c = text.front();
    if (length == 0) {
      out += '?';
      text.remove_prefix(1);
      continue;
    }
    if (length == 1) {
      const bool space = c == '\n' || c == '\t' || c == '\r';
      out += space ? ' ' : (c < ' ' || c == 0x7f) ? '?' : c;
    } else if (is_unsafe(text.substr(0, length))) {
      out += '?';
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string format_table(const Table& table, bool headers) {
  std::vector<std::vector<std::string>> lines;
  if (headers) {
    std::vector<std::string> head;
    for (const std::string& column : table.columns) {
      std::string title = printable(column);
      std::transform(title.begin(), title.end(), title.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      head.push_back(std::move(title));
    }
    lines.push_back(std::move(head));
  }
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) {
      cells.push_back(printable(cell));
    }
    lines.push_back(std::move(cells));
  }
  std::vector<std::size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < std::min(line.size(), widths.size()); ++i) {
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < std::min(line.size(), widths.size()); ++i) {
      text += line[i];
      text.append(widths[i] - width_of(line[i]), ' ');
      text += kGap;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  }
  return out;
}

std::string Palette::paint(Colour colour, std::string_view text) const {
  if (!on_ || colour == Colour::Plain) {
    return std::string(text);
  }
  const char* code = colour == Colour::Good      ? "\x1b[32m"
                     : colour == Colour::Bad     ? "\x1b[31m"
                     : colour == Colour::Waiting ? "\x1b[33m"
                                                 : "\x1b[1m";
  return code + std::string(text) + "\x1b[0m";
}

}  // namespace roadstead::cli
