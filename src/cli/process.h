// SPDX-License-Identifier: Apache-2.0
// Running other programs: credential plug-ins of kubeconfigs, and the Agent's own check. Blocking.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace roadstead::cli {

// Runs a program (searched in PATH unless it has a slash) with this process's stdin and stderr, and
// gives what it wrote to stdout, at most 1 MiB. An exit code other than 0 is an error.
Result<std::string> run_for_output(const std::vector<std::string>& arguments,
                                   const std::map<std::string, std::string>& environment);

// Becomes that program; returns only when that failed.
Error become(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace roadstead::cli
