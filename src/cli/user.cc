// SPDX-License-Identifier: Apache-2.0
// roadstead user create, list, delete, code.
#include <ostream>

#include "cli/commands.h"
#include "crypto/certificate.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

struct UserOptions {
  std::string name;
  std::string display_name;
  std::vector<std::string> groups;
  bool administrator = false;
  bool no_code = false;
  bool yes = false;
  std::string output;
};

// The command that the person types on their machine.
Result<std::string> login_command(Session& session, const json::value& code) {
  TRY(const HubContext context, session.context());
  TRY(const std::string roots, session.hub_roots());
  TRY(const auto chain, crypto::Certificate::chain_from_pem(roots, 1000));
  // One root can be told by its fingerprint; a bundle of public ones is on every machine.
  const std::string pin =
      chain.size() == 1 ? " --ca-pin sha256:" + chain.front().fingerprint() : std::string();
  return "roadstead login --server " + context.server + " --code " +
         std::string(codec::string_at(code, {"status", "code"})) + pin;
}

Result<void> code(Session& session, const UserOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value minted,
      hub->post(hub_path("users", options.name, "logincode"),
                json::object{{"apiVersion", "roadstead.io/v1alpha1"}, {"kind", "LoginCode"}}));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(minted);
  }
  TRY(const std::string command, login_command(session, minted));
  session.say(printable(options.name) + " logs in, once and until " +
              printable(codec::string_at(minted, {"status", "expirationTimestamp"})) + ", with:");
  session.out() << command << '\n';
  return {};
}

Result<void> create(Session& session, const UserOptions& options) {
  TRY(const Format format, parse_format(options.output));
  json::object spec;
  if (!options.display_name.empty()) {
    spec["displayName"] = options.display_name;
  }
  if (options.administrator) {
    spec["administrator"] = true;
  }
  if (!options.groups.empty()) {
    json::array groups;
    for (const std::string& group : options.groups) {
      groups.emplace_back(group);
    }
    spec["groups"] = std::move(groups);
  }
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value created,
      hub->post(hub_path("users"), json::object{{"apiVersion", "roadstead.io/v1alpha1"},
                                                {"kind", "User"},
                                                {"metadata", {{"name", options.name}}},
                                                {"spec", std::move(spec)}}));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(created);
  }
  session.say(object_reference(created) + " created");
  if (options.no_code) {
    session.say("Make a login code with: roadstead user code " + printable(options.name));
    return {};
  }
  return code(session, options);
}

Result<void> list(Session& session, const std::string& output) {
  TRY(const Format format, parse_format(output));
  TRY(ApiClient * hub, session.hub());
  return session.printer(format).print_from(
      *hub, hub_path("users"), "There are no users. Make one with: roadstead user create NAME");
}

Result<void> remove(Session& session, const UserOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY_VOID(session.confirm(
      "Delete user " + printable(options.name) + "? Every login of theirs ends at once.",
      options.yes));
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value answer, hub->remove(hub_path("users", options.name)));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(answer);
  }
  session.out() << "user.roadstead.io/" << printable(options.name) << " deleted\n";
  return {};
}

}  // namespace

void add_user(Commands& commands) {
  CLI::App* user = commands.root.add_subcommand("user", "Make and remove users (administrators)");
  user->alias("users");
  user->require_subcommand(1);
  const auto named = [&](const std::string& name, const std::string& text,
                         const std::shared_ptr<UserOptions>& options, bool existing) {
    CLI::App* command = user->add_subcommand(name, text);
    command->add_option("NAME", options->name, "Login name")->required();
    add_output(command, options->output);
    if (existing) {
      commands.completes[command] = "users";
    }
    return command;
  };

  auto made = std::make_shared<UserOptions>();
  CLI::App* command = named("create", "Make a user and a login code for them", made, false);
  command->add_option("--display-name", made->display_name, "The person's name");
  command->add_option("--group", made->groups, "A group; may be given several times");
  command->add_flag("--admin", made->administrator, "May do everything at the hub");
  command->add_flag("--no-code", made->no_code, "Make no login code now");
  commands.on(command, [&commands, made] { return create(commands.session, *made); });

  auto output = std::make_shared<std::string>();
  command = user->add_subcommand("list", "List the users of the hub");
  command->alias("ls");
  add_output(command, *output);
  commands.on(command, [&commands, output] { return list(commands.session, *output); });

  auto deleted = std::make_shared<UserOptions>();
  command = named("delete", "Delete a user; their logins end at once", deleted, true);
  command->add_flag("-y,--yes", deleted->yes, "Do not ask");
  commands.on(command, [&commands, deleted] { return remove(commands.session, *deleted); });

  auto coded = std::make_shared<UserOptions>();
  command = named("code", "Make a one-time login code for a user", coded, true);
  commands.on(command, [&commands, coded] { return code(commands.session, *coded); });
}

}  // namespace roadstead::cli
