// SPDX-License-Identifier: Apache-2.0
#include "apps/agent/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "agent/api_server_access.h"
#include "agent/files.h"

namespace roadstead::agent_app {
namespace {

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string first_env(const char* a, const char* b) {
  const std::string value = env(a);
  return !value.empty() ? value : env(b);
}

std::string host_name() {
  if (const std::string name = first_env("POD_NAME", "HOSTNAME"); !name.empty()) {
    return name;
  }
  auto file = agent::read_file("/proc/sys/kernel/hostname", 256);
  if (!file.ok()) {
    return "agent";
  }
  while (!file->empty() && file->back() == '\n') {
    file->pop_back();
  }
  return *file;
}

void add_options(CLI::App& app, agent::RawSettings& raw) {
  const auto add = [&app](const char* flag, std::string& value, const char* variable,
                          const char* help) {
    app.add_option(flag, value, help)->envname(variable);
  };
  add("--kubeconfig", raw.kubeconfig, "ROADSTEAD_KUBECONFIG",
      "Reach the cluster by this kubeconfig, from outside of it");
  add("--context", raw.context, "ROADSTEAD_CONTEXT", "Context of the kubeconfig to use");
  add("--state-dir", raw.state_dir, "ROADSTEAD_STATE_DIR",
      "With --kubeconfig: where key and certificate are kept");
  add("--bootstrap", raw.bootstrap, "ROADSTEAD_BOOTSTRAP",
      "With --kubeconfig: the manifest downloaded from the hub, for the first start");
  add("--hub", raw.hub, "ROADSTEAD_HUB", "HOST:PORT of the hub, instead of the registered one");
  add("--namespace", raw.namespace_, "ROADSTEAD_NAMESPACE", "Namespace of the Agent");
  add("--secret", raw.secret, "ROADSTEAD_SECRET", "Name of the Agent's Secret");
  add("--lease", raw.lease, "ROADSTEAD_LEASE", "Name of the Agent's Lease");
  add("--replica", raw.replica, "ROADSTEAD_REPLICA", "Name of this Agent, as a rule its pod's");
  add("--proxy", raw.proxy, "ROADSTEAD_PROXY",
      "HTTP proxy to the hub: http://[USER:PASSWORD@]HOST:PORT (also HTTPS_PROXY)");
  add("--no-proxy", raw.no_proxy, "ROADSTEAD_NO_PROXY",
      "Hosts that are reached without the proxy (also NO_PROXY)");
  add("--health-listen", raw.health, "ROADSTEAD_HEALTH_LISTEN",
      "Address of /healthz, /readyz and /metrics; [::]:8080 in a cluster, a free port of "
      "127.0.0.1 outside");
  add("--log-level", raw.log_level, "ROADSTEAD_LOG_LEVEL", "debug, info, warn or error");
  add("--log-format", raw.log_format, "ROADSTEAD_LOG_FORMAT",
      "text or json; json in a cluster, text outside");
  add("--termination-log", raw.termination_log, "ROADSTEAD_TERMINATION_LOG",
      "File for the last failure in words");
  add("--service-account", raw.service_account_dir, "ROADSTEAD_SERVICE_ACCOUNT",
      "Directory of the service account's token and CA");
}

void fill_from_environment(agent::RawSettings& raw) {
  raw.service_host = env("KUBERNETES_SERVICE_HOST");
  raw.service_port = env("KUBERNETES_SERVICE_PORT");
  if (raw.proxy.empty()) {
    raw.proxy = first_env("HTTPS_PROXY", "https_proxy");
  }
  if (raw.no_proxy.empty()) {
    raw.no_proxy = first_env("NO_PROXY", "no_proxy");
  }
  if (raw.replica.empty()) {
    raw.replica = host_name();
  }
  if (raw.namespace_.empty()) {
    raw.namespace_ = env("POD_NAMESPACE");
  }
  if (raw.namespace_.empty() && raw.kubeconfig.empty()) {
    const std::string directory = raw.service_account_dir.empty()
                                      ? std::string(agent::kServiceAccountDirectory)
                                      : raw.service_account_dir;
    if (auto ns = agent::read_file(directory + "/namespace", 256); ns.ok()) {
      raw.namespace_ = *ns;
    }
  }
}

}  // namespace

Result<CommandLine> read_command_line(int argc, const char* const* argv, int* exit_code) {
  CLI::App app("Connects a Kubernetes cluster to a Roadstead hub.", "roadstead-agent");
  agent::RawSettings raw;
  add_options(app, raw);
  app.fallthrough();
  const CLI::App* check =
      app.add_subcommand("check", "Try every step from here to the hub and say which one fails");
  const CLI::App* version = app.add_subcommand("version", "Print the version");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    *exit_code = app.exit(e, std::cout, std::cerr) == 0 ? 0 : 2;
    return Error(ErrorKind::InvalidArgument, "");
  }
  CommandLine line;
  if (version->parsed()) {
    line.command = Command::Version;
    return line;
  }
  line.command = check->parsed() ? Command::Check : Command::Run;
  fill_from_environment(raw);
  auto settings = agent::check_settings(raw);
  if (!settings.ok()) {
    std::cerr << settings.error().message() << '\n';
    *exit_code = 2;
    return std::move(settings).error();
  }
  line.settings = std::move(*settings);
  return line;
}

}  // namespace roadstead::agent_app
