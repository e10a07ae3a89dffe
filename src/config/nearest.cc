// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"

namespace roadstead::config {
namespace {

constexpr std::size_t kLongest = 64;

// Optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name,
                              const std::set<std::string, std::less<>>& names) {
  if (name.size() > kLongest) {
    return {};
  }
  const std::string wanted = ascii::to_lower(name);
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const std::size_t edits = distance(wanted, ascii::to_lower(candidate));
    if (candidate.size() <= kLongest && edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace roadstead::config
