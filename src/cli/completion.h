// SPDX-License-Identifier: Apache-2.0
// What may come next on a command line: from the tree of commands itself, so that it cannot get out
// of step. The shells' scripts ask the program.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace roadstead::cli {

// Names of objects for an argument of that command; may ask the hub.
using CompleteArgument = std::function<std::vector<std::string>(const CLI::App& command)>;

// `words` follow the program's name; the last one is being typed and may be empty.
std::vector<std::string> complete(const CLI::App& root, const std::vector<std::string>& words,
                                  const CompleteArgument& argument);

// For bash, zsh or fish.
Result<std::string> completion_script(std::string_view shell);

}  // namespace roadstead::cli
