// SPDX-License-Identifier: Apache-2.0
#include "cli/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace roadstead::cli {
namespace {

constexpr std::size_t kMaxOutput = 1u << 20;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

Error cannot_run(const std::string& program, int error) {
  return Error(error == ENOENT ? ErrorKind::NotFound : ErrorKind::InvalidArgument,
               "run " + program + ": " + std::strerror(error));
}

// Reads to the end; beyond the limit it reads on, so that the program can end.
Result<std::string> drain(int fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  bool too_much = false;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    too_much = too_much || out.size() + static_cast<std::size_t>(n) > kMaxOutput;
    if (!too_much) {
      out.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  if (too_much) {
    return Error(ErrorKind::PayloadTooLarge, "it wrote more than 1 MiB");
  }
  return out;
}

}  // namespace

Result<std::string> run_for_output(const std::vector<std::string>& arguments,
                                   const std::map<std::string, std::string>& environment) {
  std::vector<std::string> argv_text = arguments;
  std::vector<std::string> env_text;
  for (const auto& [name, value] : environment) {
    env_text.push_back(name + '=' + value);
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return cannot_run(arguments.front(), errno);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments.front().c_str(), &actions, nullptr,
                                   pointers(argv_text).data(), pointers(env_text).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return cannot_run(arguments.front(), error);
  }
  Result<std::string> output = drain(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error(ErrorKind::Unauthenticated,
                 arguments.front() + (WIFEXITED(status) ? " ended with exit code " +
                                                              std::to_string(WEXITSTATUS(status))
                                                        : " was killed"));
  }
  return std::move(output).with_context(arguments.front());
}

Error become(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv_text = arguments;
  argv_text.insert(argv_text.begin(), program);
  ::execv(program.c_str(), pointers(argv_text).data());
  return cannot_run(program, errno);
}

}  // namespace roadstead::cli
