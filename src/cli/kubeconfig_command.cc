// SPDX-License-Identifier: Apache-2.0
// roadstead kubeconfig, and the exec plug-in that such kubeconfigs call: roadstead credential.
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <ostream>

#include "base/ascii.h"
#include "base/rfc3339.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/kubeconfig.h"
#include "codec/yaml.h"

namespace roadstead::cli {
namespace {

constexpr Duration kLockWait = std::chrono::seconds(5);

struct KubeconfigOptions {
  std::string name;
  std::string file;
  bool merge = false;
  bool set_current = false;
  std::string output;
};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string resolved(const std::string& path) {
  char buffer[PATH_MAX];
  return ::realpath(path.c_str(), buffer) != nullptr ? std::string(buffer) : std::string();
}

// "roadstead" where a shell would find this very program by it, else its path.
std::string command_name(const Environment& environment) {
  const std::string own = resolved(environment.program);
  for (const std::string_view folder : ascii::split(environment.variable("PATH"), ':')) {
    const std::string candidate = resolved(std::string(folder) + "/roadstead");
    if (!candidate.empty()) {
      return candidate == own || own.empty() ? "roadstead" : environment.program;
    }
  }
  return environment.program.empty() ? "roadstead" : environment.program;
}

Result<KubeconfigEntry> make_entry(Session& session, const std::string& cluster) {
  TRY(const HubContext context, session.context());
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value connection, hub->get(hub_path("clusters", cluster, "connection")));
  KubeconfigEntry entry;
  entry.name = "roadstead-" + cluster;
  entry.user_name = "roadstead-" + context.login + '@' + context.name;
  // What this machine reaches the hub by is known to work here.
  entry.server = context.server;
  entry.tls_server_name = codec::string_at(connection, {"status", "tlsServerName"});
  entry.ca_base64 = codec::string_at(connection, {"status", "certificateAuthorityData"});
  entry.command = command_name(session.environment());
  entry.arguments = {"credential", "--context", context.name};
  const std::string config = session.environment().variable("ROADSTEAD_CONFIG");
  if (!config.empty()) {
    const std::string whole = resolved(config);
    entry.environment.emplace_back("ROADSTEAD_CONFIG", whole.empty() ? config : whole);
  }
  return entry;
}

Result<void> merge(Session& session, const KubeconfigOptions& options,
                   const KubeconfigEntry& entry) {
  const Environment& environment = session.environment();
  const std::string path = options.file.empty()
                               ? kubeconfig_to_change(environment.variable("KUBECONFIG"),
                                                      environment.variable("HOME"), exists)
                               : options.file;
  TRY_VOID(make_directories(directory_of(path)));
  TRY(const auto lock, KubeconfigLock::take(path, environment.clock, kLockWait));
  auto existing = read_file(path);
  if (!existing.ok() && existing.error().kind() != ErrorKind::NotFound) {
    return existing.error();
  }
  TRY(const std::string text,
      merge_kubeconfig(existing.ok() ? *existing : "", entry, options.set_current)
          .with_context(path));
  if (!existing.ok() || text != *existing) {
    TRY_VOID(replace_file(path, text));
  }
  session.say("Context " + entry.name + " is in " + path +
              (options.set_current
                   ? ", and is the current one.\nTry: kubectl get namespaces"
                   : ".\nTry: kubectl --context " + entry.name + " get namespaces"));
  return {};
}

Result<void> kubeconfig(Session& session, const KubeconfigOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(const KubeconfigEntry entry, make_entry(session, options.name));
  if (options.merge || !options.file.empty()) {
    return merge(session, options, entry);
  }
  if (options.set_current) {
    return Error(
        ErrorKind::InvalidArgument,
        "--set-current goes with --merge or --file; what is printed has one context, which "
        "is its current one");
  }
  const json::object made = new_kubeconfig(entry);
  session.out() << (format == Format::Json   ? codec::write_json_pretty(made) + '\n'
                    : format == Format::Name ? entry.name + '\n'
                                             : codec::write_yaml(made));
  return {};
}

// For kubectl: client.authentication.k8s.io/v1 ExecCredential.
Result<void> credential(Session& session) {
  TRY(const ClientCredential own, session.credential());
  // Long-running clients ask again when renewal is due, not when it is too late.
  const WallTime due = own.not_before + (own.not_after - own.not_before) * 2 / 3;
  const WallTime until = own.due(session.now()) ? own.not_after : due;
  session.out() << codec::write_json(json::object{{"apiVersion", "client.authentication.k8s.io/v1"},
                                                  {"kind", "ExecCredential"},
                                                  {"status",
                                                   {{"expirationTimestamp", format_rfc3339(until)},
                                                    {"clientCertificateData", own.certificate_pem},
                                                    {"clientKeyData", own.key_pem.reveal()}}}})
                << '\n';
  return {};
}

}  // namespace

void add_kubeconfig(Commands& commands) {
  auto options = std::make_shared<KubeconfigOptions>();
  CLI::App* command =
      commands.root.add_subcommand("kubeconfig", "Print or merge a kubeconfig for a cluster");
  command->add_option("NAME", options->name, "Name of the cluster")->required();
  command->add_flag("--merge", options->merge, "Put it into $KUBECONFIG or ~/.kube/config");
  command->add_option("--file", options->file, "Put it into this file, made when missing")
      ->type_name("FILE");
  command->add_flag("--set-current", options->set_current, "Make it the current context");
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return kubeconfig(commands.session, *options); });
}

void add_credential(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand(
      "credential", "Print the certificate for kubectl (exec plug-in); renews it when due");
  commands.on(command, [&commands] { return credential(commands.session); });
}

}  // namespace roadstead::cli
