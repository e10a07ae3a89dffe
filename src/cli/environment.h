// SPDX-License-Identifier: Apache-2.0
// What a command sees of its process: variables, streams, clock. Made by main() and by tests; lives
// on the main thread as everything in cli/.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace roadstead::cli {

struct Environment {
  std::map<std::string, std::string> variables;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  const Clock& clock;
  Random& random;
  std::string program;  // absolute path of this program; "" when unknown
  std::string version;
  // Which signal should end a wait, if any has come (Ctrl-C).
  std::function<bool()> interrupted = [] { return false; };

  std::string variable(const std::string& name, const std::string& fallback = {}) const {
    const auto found = variables.find(name);
    return found == variables.end() || found->second.empty() ? fallback : found->second;
  }
};

}  // namespace roadstead::cli
