// SPDX-License-Identifier: Apache-2.0
// Following a cluster's steps live.
#pragma once

#include <functional>
#include <string>

#include "cli/session.h"

namespace roadstead::cli {

// Says each step as it changes, calls `meanwhile` (may be empty) about twice a second, and gives
// the cluster once it is ready. DeadlineExceeded names the step that is in the way; Cancelled after
// Ctrl-C.
Result<json::value> follow_until_ready(Session& session, ApiClient& hub, const std::string& name,
                                       Duration timeout, const std::function<void()>& meanwhile);

}  // namespace roadstead::cli
