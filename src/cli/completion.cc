// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>

#include "cli/output.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kBash =
    R"sh(# bash completion for roadstead: source <(roadstead completion bash)
_roadstead() {
  local IFS=$'\n' line="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(roadstead __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$line" 2>/dev/null)" -- "$line"))
}
complete -o default -F _roadstead roadstead
)sh";

constexpr std::string_view kZsh = R"sh(#compdef roadstead
# zsh completion for roadstead: source <(roadstead completion zsh)
_roadstead() {
  local -a found
  found=("${(@f)$(roadstead __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then
    compadd -a found
  else
    _files
  fi
}
compdef _roadstead roadstead
)sh";

constexpr std::string_view kFish =
    R"sh(# fish completion for roadstead: roadstead completion fish | source
function __roadstead_complete
  set -l words (commandline -opc) (commandline -ct)
  roadstead __complete $words[2..-1] 2>/dev/null
end
complete -c roadstead -a '(__roadstead_complete)'
)sh";

const CLI::App* find_command(const CLI::App& at, const std::string& word) {
  for (const CLI::App* sub : at.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->check_name(word)) {
      return sub;
    }
  }
  return nullptr;
}

// The option that the word names, which may belong to a command further up.
const CLI::Option* find_option(const CLI::App* at, const std::string& word) {
  for (; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      if (option->check_name(word)) {
        return option;
      }
    }
  }
  return nullptr;
}

bool takes_value(const CLI::Option* option) {
  return option != nullptr && option->get_expected_max() > 0 && !option->get_type_name().empty();
}

void add_options(const CLI::App* at, std::vector<std::string>& out) {
  for (; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        out.push_back("--" + name);
      }
    }
  }
}

std::vector<std::string> values_of(const CLI::Option* option, const CLI::App* at) {
  if (option->check_name("--output") && at->get_name() != "image") {
    return {"table", "wide", "json", "yaml", "name"};
  }
  if (option->check_name("--endpoint")) {
    return {"public", "private"};
  }
  return {};  // the shell offers files
}

}  // namespace

std::vector<std::string> complete(const CLI::App& root, const std::vector<std::string>& words,
                                  const CompleteArgument& argument) {
  const std::string typed = words.empty() ? "" : words.back();
  const CLI::App* at = &root;
  const CLI::Option* open = nullptr;  // waits for its value
  std::size_t arguments = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (open != nullptr) {
      open = nullptr;
    } else if (words[i].starts_with('-')) {
      const CLI::Option* option = find_option(at, words[i]);
      open = takes_value(option) ? option : nullptr;
    } else if (const CLI::App* next = find_command(*at, words[i]); next != nullptr) {
      at = next;
    } else {
      ++arguments;
    }
  }
  std::vector<std::string> all;
  if (open != nullptr) {
    all = values_of(open, at);
  } else if (typed.starts_with('-')) {
    add_options(at, all);
  } else {
    for (const CLI::App* sub : at->get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->get_name().starts_with('_')) {
        all.push_back(sub->get_name());
      }
    }
    if (all.empty() && arguments == 0 && argument) {
      all = argument(*at);
    }
  }
  std::erase_if(all, [&](const std::string& word) { return !word.starts_with(typed); });
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") {
    return std::string(kBash);
  }
  if (shell == "zsh") {
    return std::string(kZsh);
  }
  if (shell == "fish") {
    return std::string(kFish);
  }
  return Error(ErrorKind::InvalidArgument,
               "no completion for \"" + printable(shell) + "\"; there is one for bash, zsh, fish");
}

}  // namespace roadstead::cli
