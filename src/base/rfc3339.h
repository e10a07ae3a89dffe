// SPDX-License-Identifier: Apache-2.0
// RFC 3339 time stamps in UTC, in the two precisions Kubernetes uses (`Time` and `MicroTime`).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace roadstead {

std::string format_rfc3339(WallTime t);        // 2026-11-22T07:54:08Z
std::string format_rfc3339_micro(WallTime t);  // 2026-11-22T07:54:08.123456Z
void append_rfc3339_micro(std::string& out, WallTime t);
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace roadstead
