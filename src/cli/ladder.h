// SPDX-License-Identifier: Apache-2.0
// A cluster's status as people read it: the steps with what was seen and what to do. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/text.h"
#include "codec/json.h"

namespace roadstead::cli {

namespace json = codec::json;

// The command that looks at the Agent from the member's side, where the hub cannot see.
inline constexpr std::string_view kMemberSideCommand =
    "kubectl -n roadstead-system exec deploy/roadstead-agent -- /roadstead-agent check";

// The whole picture of one cluster, with ages as of `now`.
std::string format_ladder(const json::value& cluster, const Palette& palette, WallTime now);

// One line, and below it evidence and fix when the step is not good.
std::string format_step(const json::value& condition, const Palette& palette, WallTime now);

// The conditions of `now_` whose status, reason or message is not that of `before`, in order.
std::vector<json::value> changed_steps(const json::value& before, const json::value& now_);

bool is_ready(const json::value& cluster);
bool is_connected(const json::value& cluster);  // the hub holds a lane to it

}  // namespace roadstead::cli
