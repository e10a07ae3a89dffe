// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <algorithm>
#include <ostream>

#include "cli/commands.h"

namespace roadstead::cli {
namespace {

void print_error(Session& session, const Error& error) {
  std::ostream& err = session.err();
  // Line breaks of ours stay; what the hub or a cluster said was made printable where it came in.
  err << session.err_palette().paint(Colour::Bad, "error:") << ' ' << error.message() << '\n';
  if (error.kind() == ErrorKind::Unauthenticated &&
      error.message().find("roadstead login") == std::string::npos) {
    err << "fix: log in again with: roadstead login\n";
  }
}

// What CLI11 says, with where to look.
int print_usage_error(CLI::App& root, const CLI::ParseError& error, Environment& environment) {
  const CLI::App* at = &root;
  std::string path = root.get_name();
  for (auto chosen = at->get_subcommands(); !chosen.empty(); chosen = at->get_subcommands()) {
    at = chosen.front();
    path += ' ' + at->get_name();
  }
  environment.err << "error: " << printable(error.what()) << "\nfix: see " << path << " --help\n";
  return traits(ErrorKind::InvalidArgument).exit_code;
}

}  // namespace

void add_output(CLI::App* command, std::string& text) {
  text = "table";
  command->add_option("-o,--output", text, "Output format: " + std::string(kFormats));
}

int run_program(std::vector<std::string> arguments, Environment& environment) {
  const std::string called = arguments.empty() ? "roadstead" : arguments.front();
  const std::size_t slash = called.rfind('/');
  const std::string name = called.substr(slash == std::string::npos ? 0 : slash + 1);
  // kubectl calls this one to complete "kubectl roadstead ...".
  const bool completes = name == "kubectl_complete-roadstead";
  const bool plugin = name == "kubectl-roadstead" || completes;
  CLI::App root("Roadstead: many Kubernetes clusters behind one hub.",
                plugin ? "kubectl roadstead" : "roadstead");
  Session session(environment);
  Commands commands{root, session, {}, {}};
  // None is looked for after parsing, so that a misspelt one is named first.
  root.require_subcommand(0, 1);
  root.option_defaults()->always_capture_default(false);
  root.add_option("--hub,--context", session.context_name, "Which hub, when you use several")
      ->type_name("NAME");
  root.fallthrough();
  add_login(commands);
  add_logout(commands);
  add_cluster(commands);
  add_kubeconfig(commands);
  add_user(commands);
  add_agent(commands);
  add_credential(commands);
  add_version(commands);
  add_completion(commands);

  std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (completes) {
    rest.insert(rest.begin(), "__complete");
  }
  if (rest.empty()) {
    rest.emplace_back("--help");
  }
  std::reverse(rest.begin(), rest.end());  // as CLI11 takes them
  try {
    root.parse(std::move(rest));
    if (root.get_subcommands().empty()) {
      throw CLI::RequiredError("A subcommand");
    }
  } catch (const CLI::Success& help) {
    return root.exit(help, environment.out, environment.err);
  } catch (const CLI::ParseError& error) {
    return print_usage_error(root, error, environment);
  }
  const Result<void> done = commands.chosen ? commands.chosen() : Result<void>();
  if (completes) {
    environment.out << ":4\n";  // cobra's ShellCompDirectiveNoFileComp
  }
  environment.out << std::flush;
  if (!done.ok()) {
    print_error(session, done.error());
    return traits(done.error().kind()).exit_code;
  }
  return 0;
}

}  // namespace roadstead::cli
