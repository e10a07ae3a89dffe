// SPDX-License-Identifier: Apache-2.0
// The Date field of HTTP (RFC 9110 section 5.6.7), preferred form only. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace roadstead::agent {

// "Sun, 22 Nov 2026 08:30:00 GMT"
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace roadstead::agent
