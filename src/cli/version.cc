// SPDX-License-Identifier: Apache-2.0
// roadstead version.
#include <ostream>

#include "cli/commands.h"

namespace roadstead::cli {
namespace {

struct VersionOptions {
  bool client_only = false;
  std::string output;
};

Result<void> version(Session& session, const VersionOptions& options) {
  TRY(const Format format, parse_format(options.output));
  const std::string& own = session.environment().version;
  json::object answer{{"clientVersion", own}};
  std::string hub_version;
  if (!options.client_only) {
    // Not being logged in is no reason to hide one's own version.
    const auto hub = session.hub();
    auto told = hub.ok() ? (*hub)->get("/version") : Result<json::value>(hub.error());
    if (told.ok()) {
      hub_version = codec::string_at(*told, {"gitVersion"});
      answer["hubVersion"] = *told;
    } else if (format == Format::Table) {
      session.out() << "roadstead " << own << '\n';
      return Error(told.error().kind(), told.error().message() +
                                            "\n(the hub's version is not known; --client asks for "
                                            "the client's only)");
    } else {
      return told.error();
    }
  }
  if (format == Format::Json || format == Format::Yaml) {
    return session.printer(format).print(answer);
  }
  session.out() << "roadstead " << own << '\n';
  if (!options.client_only) {
    session.out() << "hub " << printable(hub_version) << '\n';
  }
  return {};
}

}  // namespace

void add_version(Commands& commands) {
  auto options = std::make_shared<VersionOptions>();
  CLI::App* command =
      commands.root.add_subcommand("version", "Show the version of this program and of the hub");
  command->add_flag("--client", options->client_only, "Only this program's");
  add_output(command, options->output);
  commands.on(command, [&commands, options] { return version(commands.session, *options); });
}

}  // namespace roadstead::cli
