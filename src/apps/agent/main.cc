// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "apps/agent/options.h"
#include "apps/agent/wiring.h"

int main(int argc, char** argv) {
  using roadstead::agent_app::Command;
  int exit_code = 2;
  const auto line = roadstead::agent_app::read_command_line(argc, argv, &exit_code);
  if (!line.ok()) {
    return exit_code;
  }
  switch (line->command) {
    case Command::Version:
      std::puts("roadstead-agent " ROADSTEAD_VERSION);
      return 0;
    case Command::Check:
      return roadstead::agent_app::run_check(line->settings);
    case Command::Run:
      return roadstead::agent_app::run_agent(line->settings);
  }
  return 2;
}
