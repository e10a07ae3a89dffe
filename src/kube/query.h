// SPDX-License-Identifier: Apache-2.0
// A request target's path and query as Go's net/url reads them, because Kubernetes does. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace roadstead::kube {

// "%41" -> "A". With `plus_is_space` also "+" -> " ". Fails on a broken escape.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// Escapes what may not stand in a path segment or query value.
std::string percent_encode(std::string_view text);

class Query {
 public:
  // Pairs with a broken escape are left out, as url.Values does.
  static Query parse(std::string_view text);

  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  // As strconv.ParseBool for ListOptions: absent, "0" and "false" are false, all else true.
  bool get_bool(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  bool empty() const { return pairs_.empty(); }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// "/a/b?x=y" -> {"/a/b", "x=y"}, neither decoded.
std::pair<std::string_view, std::string_view> split_target(std::string_view target);

}  // namespace roadstead::kube
