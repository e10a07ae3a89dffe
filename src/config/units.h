// SPDX-License-Identifier: Apache-2.0
// Durations ("5s", "1h30m", "250ms", "7d", "1.5h") and sizes ("64KiB", "1MB", "4096") as people
// write them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace roadstead::config {

// Units d, h, m, s, ms, us, ns; each part with its unit; not negative.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration d);  // "1h30m"; reads back as the same

// Units B, KiB, MiB, GiB, TiB (also Ki, Mi, Gi, Ti) and kB, MB, GB, TB; a bare number is bytes.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);  // "64KiB"; reads back as the same

}  // namespace roadstead::config
