// SPDX-License-Identifier: Apache-2.0
// "Did you mean …?" for mistyped names. Pure function.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace roadstead::config {

// The closest of `names` by edits (a swap of neighbours is one; case does not count), or nothing
// when none is close enough to be what was meant.
std::string_view nearest_name(std::string_view name,
                              const std::set<std::string, std::less<>>& names);

}  // namespace roadstead::config
