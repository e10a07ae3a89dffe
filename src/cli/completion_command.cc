// SPDX-License-Identifier: Apache-2.0
// roadstead completion, and what the scripts of the shells call.
#include <ostream>

#include "cli/commands.h"
#include "cli/completion.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

std::vector<std::string> names_at_hub(Session& session, const std::string& resource) {
  std::vector<std::string> out;
  const auto hub = session.hub();
  const auto list = hub.ok() ? (*hub)->get(hub_path(resource)) : Result<json::value>(hub.error());
  const json::value* items = list.ok() ? codec::find(*list, {"items"}) : nullptr;
  if (items != nullptr && items->is_array()) {
    for (const json::value& item : items->get_array()) {
      out.push_back(printable(kube::name_of(item)));
    }
  }
  return out;
}

}  // namespace

void add_completion(Commands& commands) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      commands.root.add_subcommand("completion", "Print completion for bash, zsh or fish");
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  commands.on(command, [&commands, shell]() -> Result<void> {
    TRY(const std::string script, completion_script(*shell));
    commands.session.out() << script;
    return {};
  });

  CLI::App* hidden = commands.root.add_subcommand("__complete", "");
  hidden->group("");  // not in the help
  hidden->prefix_command();
  hidden->fallthrough(false);
  hidden->set_help_flag();
  commands.on(hidden, [&commands, hidden]() -> Result<void> {
    const auto words =
        complete(commands.root, hidden->remaining(), [&commands](const CLI::App& at) {
          const auto found = commands.completes.find(&at);
          return found == commands.completes.end() ? std::vector<std::string>()
                                                   : names_at_hub(commands.session, found->second);
        });
    for (const std::string& word : words) {
      commands.session.out() << word << '\n';
    }
    return {};
  });
}

}  // namespace roadstead::cli
