// SPDX-License-Identifier: Apache-2.0
// roadstead agent image, agent check.
#include <ostream>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/process.h"
#include "registry/agent_image.h"

namespace roadstead::cli {
namespace {

constexpr std::size_t kMaxBinary = 512u << 20;
constexpr std::string_view kBinary = "roadstead-agent";

struct ImageOptions {
  std::string file;
  std::string platform;
  std::string name;
  std::vector<std::string> binaries;
};

struct CheckOptions {
  std::string binary;
  std::vector<std::string> rest;
};

std::string beside(const Environment& environment, std::string_view name) {
  return directory_of(environment.program) + '/' + std::string(name);
}

// What was given, or what lies beside this program: roadstead-agent, and roadstead-agent-ARCH.
Result<std::vector<std::string>> read_binaries(const Environment& environment,
                                               const ImageOptions& options) {
  std::vector<std::string> out;
  for (const std::string& path : options.binaries) {
    TRY(std::string bytes, read_file(path, kMaxBinary).with_context("--binary"));
    out.push_back(std::move(bytes));
  }
  if (!out.empty()) {
    return out;
  }
  std::string first_architecture;
  for (const std::string_view suffix : {"", "-amd64", "-arm64"}) {
    auto bytes =
        read_file(beside(environment, std::string(kBinary) + std::string(suffix)), kMaxBinary);
    if (!bytes.ok() && bytes.error().kind() == ErrorKind::NotFound) {
      continue;
    }
    if (!bytes.ok()) {
      return bytes.error();
    }
    TRY(const std::string architecture, registry::architecture_of(*bytes));
    if (architecture != first_architecture) {
      first_architecture = architecture;
      out.push_back(std::move(*bytes));
    }
  }
  if (out.empty()) {
    return Error(ErrorKind::NotFound, "there is no " + beside(environment, kBinary) +
                                          "; say where the Agent's program is with --binary FILE");
  }
  return out;
}

Result<void> keep_platform(std::vector<std::string>& binaries, const std::string& platform) {
  if (platform.empty()) {
    return {};
  }
  const std::string wanted = platform.starts_with("linux/") ? platform.substr(6) : platform;
  std::string have;
  for (std::string& binary : binaries) {
    TRY(const std::string architecture, registry::architecture_of(binary));
    if (architecture == wanted) {
      binaries = {std::move(binary)};
      return {};
    }
    have += (have.empty() ? "" : ", ") + ("linux/" + architecture);
  }
  return Error(ErrorKind::NotFound, "--platform: there is no Agent for \"" + printable(platform) +
                                        "\" here, only for " + have);
}

// The name that manifests of the hub give to the image.
std::string image_name(Session& session) {
  const auto context = session.context();
  const std::string server =
      context.ok() ? default_context_name(context->public_server) : std::string("roadstead.local");
  return server + "/roadstead/agent:" + session.environment().version;
}

Result<void> image(Session& session, const ImageOptions& options) {
  TRY(std::vector<std::string> binaries, read_binaries(session.environment(), options));
  TRY_VOID(keep_platform(binaries, options.platform));
  TRY(const registry::AgentImage made,
      registry::AgentImage::build({binaries.begin(), binaries.end()},
                                  session.environment().version));
  const std::string name = options.name.empty() ? image_name(session) : options.name;
  TRY(const std::string archive, made.archive(name).with_context("--name"));
  if (options.file == "-") {
    session.out() << archive;
  } else {
    TRY_VOID(replace_file(options.file, archive, 0644));
  }
  std::string platforms;
  for (const std::string& architecture : made.architectures()) {
    platforms += " linux/" + architecture;
  }
  session.say(name + platforms + '\n' + made.digest() +
              "\nOn each node: ctr -n k8s.io images import " +
              (options.file == "-" ? "-" : options.file));
  return {};
}

Result<void> check(Session& session, const CheckOptions& options) {
  const std::string program =
      options.binary.empty() ? beside(session.environment(), kBinary) : options.binary;
  std::vector<std::string> arguments{"check"};
  arguments.insert(arguments.end(), options.rest.begin(), options.rest.end());
  const Error error = become(program, arguments);
  return Error(error.kind(),
               error.message() + "; say where the Agent's program is with --binary FILE");
}

}  // namespace

void add_agent(Commands& commands) {
  CLI::App* agent = commands.root.add_subcommand("agent", "The Agent's image, and its own check");
  agent->require_subcommand(1);

  auto made = std::make_shared<ImageOptions>();
  CLI::App* command = agent->add_subcommand("image", "Write the Agent's container image to a file");
  command->add_option("-o,--output", made->file, "The tar to write; - for stdout")
      ->type_name("FILE")
      ->required();
  command->add_option("--platform", made->platform, "Only this one, such as linux/amd64");
  command->add_option("--name", made->name, "Image name; default: that of the hub's manifests")
      ->type_name("HOST/PATH:TAG");
  command->add_option("--binary", made->binaries, "The Agent's static program")->type_name("FILE");
  commands.on(command, [&commands, made] { return image(commands.session, *made); });

  auto checked = std::make_shared<CheckOptions>();
  command = agent->add_subcommand(
      "check", "Check from here what an Agent needs; what follows is for roadstead-agent check");
  command->add_option("--binary", checked->binary, "The Agent's program")->type_name("FILE");
  command->prefix_command();
  command->fallthrough(false);
  commands.on(command, [&commands, checked, command] {
    checked->rest = command->remaining();
    return check(commands.session, *checked);
  });
}

}  // namespace roadstead::cli
