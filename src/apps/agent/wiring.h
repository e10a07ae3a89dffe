// SPDX-License-Identifier: Apache-2.0
// Builds the Agent from its settings and runs it.
#pragma once

#include "agent/settings.h"

namespace roadstead::agent_app {

// Until a signal ends it. Exit codes: 0 in order, 1 could not start, 2 settings.
int run_agent(const agent::AgentSettings& settings);
int run_check(const agent::AgentSettings& settings);

}  // namespace roadstead::agent_app
