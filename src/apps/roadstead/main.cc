// SPDX-License-Identifier: Apache-2.0
// The command line: gives the process to cli/.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <iostream>

#include "base/clock.h"
#include "base/random.h"
#include "cli/program.h"

extern char** environ;

namespace {

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C ends a wait in order, the second one the program.
void on_interrupt(int) { interrupted = 1; }

std::map<std::string, std::string> variables() {
  std::map<std::string, std::string> out;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string text = *at;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return out;
}

std::string own_path() {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t n = ::readlink("/proc/self/exe", buffer.data(), buffer.size() - 1);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const roadstead::SystemClock clock;
  roadstead::SystemRandom random;
  roadstead::cli::Environment environment{.variables = variables(),
                                          .in = std::cin,
                                          .out = std::cout,
                                          .err = std::cerr,
                                          .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
                                          .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                                          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                                          .clock = clock,
                                          .random = random,
                                          .program = own_path(),
                                          .version = ROADSTEAD_VERSION,
                                          .interrupted = [] { return interrupted != 0; }};
  return roadstead::cli::run_program(std::vector<std::string>(argv, argv + argc), environment);
}
