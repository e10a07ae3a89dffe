// SPDX-License-Identifier: Apache-2.0
// The commands, one file each. Each `add_` hangs its command into the tree and says what to do when
// it is chosen; nothing runs before the whole command line has been read.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/output.h"
#include "cli/session.h"

namespace roadstead::cli {

struct Commands {
  CLI::App& root;
  Session& session;
  std::function<Result<void>()> chosen;
  // What completes an argument beside what the tree says: "clusters", "users".
  std::map<const CLI::App*, std::string> completes;

  void on(CLI::App* command, std::function<Result<void>()> action) {
    command->callback([this, action = std::move(action)] { chosen = action; });
  }
};

// -o/--output. The text is read by parse_format when the command runs.
void add_output(CLI::App* command, std::string& text);

void add_login(Commands& commands);
void add_logout(Commands& commands);
void add_user(Commands& commands);
void add_cluster(Commands& commands);
void add_cluster_watch(Commands& commands, CLI::App* cluster);
void add_cluster_connect(Commands& commands, CLI::App* cluster);
void add_cluster_remove(Commands& commands, CLI::App* cluster);
void add_kubeconfig(Commands& commands);
void add_credential(Commands& commands);
void add_agent(Commands& commands);
void add_version(Commands& commands);
void add_completion(Commands& commands);

}  // namespace roadstead::cli
