// SPDX-License-Identifier: Apache-2.0
// roadstead cluster create, list, get, manifest.
#include <ostream>

#include "cli/commands.h"
#include "cli/ladder.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

struct CreateOptions {
  std::string name;
  std::string display_name;
  std::string description;
  std::string provider;
  std::string image_repository;
  int replicas = 0;
  std::string output;
};

struct NamedOptions {
  std::string name;
  std::string output;
};

struct ManifestOptions {
  std::string name;
  std::string endpoint = "public";
  std::string role = "cluster-admin";
  std::string output;
};

void put(json::object& object, std::string_view field, const std::string& value) {
  if (!value.empty()) {
    object[field] = value;
  }
}

Result<void> create(Session& session, const CreateOptions& options) {
  TRY(const Format format, parse_format(options.output));
  json::object spec;
  put(spec, "displayName", options.display_name);
  put(spec, "description", options.description);
  put(spec, "provider", options.provider);
  json::object agent;
  put(agent, "imageRepository", options.image_repository);
  if (options.replicas > 0) {
    agent["replicas"] = options.replicas;
  }
  if (!agent.empty()) {
    spec["agent"] = std::move(agent);
  }
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value created,
      hub->post(hub_path("clusters"), json::object{{"apiVersion", "roadstead.io/v1alpha1"},
                                                   {"kind", "Cluster"},
                                                   {"metadata", {{"name", options.name}}},
                                                   {"spec", std::move(spec)}}));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(created);
  }
  session.out() << object_reference(created) << " created\n";
  session.say("Next, with a kubeconfig for the cluster:  roadstead cluster connect " +
              options.name + "\nor by hand:  roadstead cluster manifest " + options.name +
              " | kubectl apply -f -");
  return {};
}

Result<void> list(Session& session, const std::string& output) {
  TRY(const Format format, parse_format(output));
  TRY(ApiClient * hub, session.hub());
  return session.printer(format).print_from(
      *hub, hub_path("clusters"),
      "There are no clusters yet. Register one with: roadstead cluster connect NAME --kubeconfig "
      "FILE");
}

Result<void> get(Session& session, const NamedOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(ApiClient * hub, session.hub());
  const std::string path = hub_path("clusters", options.name);
  if (format != Format::Table) {
    return session.printer(format).print_from(*hub, path, "");
  }
  TRY(const json::value cluster, hub->get(path));
  session.out() << format_ladder(cluster, session.out_palette(), session.now());
  return {};
}

Result<void> manifest(Session& session, const ManifestOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value registration,
      hub->post(hub_path("clusters", options.name, "registration"),
                json::object{
                    {"apiVersion", "roadstead.io/v1alpha1"},
                    {"kind", "ClusterRegistration"},
                    {"spec", {{"endpoint", options.endpoint}, {"registrarRole", options.role}}}}));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(registration);
  }
  session.out() << codec::string_at(registration, {"status", "manifest"});
  session.say("# Apply it in the member cluster: kubectl apply -f FILE. It holds a token for " +
              printable(options.name) + ", good once and until " +
              printable(codec::string_at(registration, {"status", "expirationTimestamp"})) +
              ".\n# Then follow it with: roadstead cluster watch " + printable(options.name));
  return {};
}

void add_create(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command = cluster->add_subcommand("create", "Reserve a name for a cluster");
  command->add_option("NAME", options->name, "Name of the cluster, a DNS label")->required();
  command->add_option("--display-name", options->display_name, "Name for people");
  command->add_option("--description", options->description, "What the cluster is for");
  command->add_option("--provider", options->provider, "Who runs it, in a word of your own");
  command->add_option("--image-repository", options->image_repository,
                      "Where nodes pull the Agent from; default: the hub");
  command->add_option("--replicas", options->replicas, "How many Agents, 1 to 5; default 2");
  add_output(command, options->output);
  commands.on(command, [&commands, options] { return create(commands.session, *options); });
}

void add_list(Commands& commands, CLI::App* cluster) {
  auto output = std::make_shared<std::string>();
  CLI::App* command = cluster->add_subcommand("list", "List the clusters of the hub");
  command->alias("ls");
  add_output(command, *output);
  commands.on(command, [&commands, output] { return list(commands.session, *output); });
}

void add_get(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<NamedOptions>();
  CLI::App* command =
      cluster->add_subcommand("get", "Show a cluster: each step of its connection, and what to do");
  command->add_option("NAME", options->name, "Name of the cluster")->required();
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return get(commands.session, *options); });
}

void add_manifest(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<ManifestOptions>();
  CLI::App* command = cluster->add_subcommand(
      "manifest", "Print the YAML that registers the cluster, with a fresh token");
  command->add_option("NAME", options->name, "Name of the cluster")->required();
  command->add_option("--endpoint", options->endpoint,
                      "Address the Agents dial: public or private");
  command->add_option("--role", options->role, "ClusterRole that you get in the cluster");
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return manifest(commands.session, *options); });
}

}  // namespace

void add_cluster(Commands& commands) {
  CLI::App* cluster = commands.root.add_subcommand("cluster", "Register, show and remove clusters");
  cluster->alias("clusters");
  cluster->require_subcommand(1);
  add_cluster_connect(commands, cluster);
  add_create(commands, cluster);
  add_list(commands, cluster);
  add_get(commands, cluster);
  add_manifest(commands, cluster);
  add_cluster_watch(commands, cluster);
  add_cluster_remove(commands, cluster);
}

}  // namespace roadstead::cli
