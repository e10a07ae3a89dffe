// SPDX-License-Identifier: Apache-2.0
// The command line and environment of roadstead-agent.
#pragma once

#include <string>

#include "agent/settings.h"
#include "base/result.h"

namespace roadstead::agent_app {

enum class Command : unsigned char { Run, Check, Version };

struct CommandLine {
  Command command = Command::Run;
  agent::AgentSettings settings;
};

// Either what to do, or how to end at once (help, version, mistakes).
Result<CommandLine> read_command_line(int argc, const char* const* argv, int* exit_code);

}  // namespace roadstead::agent_app
