// SPDX-License-Identifier: Apache-2.0
// The whole program behind main(): reads the command line, runs the command, prints its error.
#pragma once

#include <string>
#include <vector>

#include "cli/environment.h"

namespace roadstead::cli {

// `arguments` begins with the program's name; "kubectl-roadstead" is shown as "kubectl roadstead".
// Gives the exit code: 0, or that of the error's kind (base/error_table.cc).
int run_program(std::vector<std::string> arguments, Environment& environment);

}  // namespace roadstead::cli
