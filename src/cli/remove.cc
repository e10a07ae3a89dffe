// SPDX-License-Identifier: Apache-2.0
// roadstead cluster remove: takes the Agent and all that came with it out of the member, as the
// person and through the tunnel, then the cluster out of the hub.
#include <array>
#include <ostream>

#include "cli/apply.h"
#include "cli/commands.h"
#include "cli/ladder.h"
#include "kube/object.h"
#include "kube/query.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kPartOf = "app.kubernetes.io/part-of=roadstead";
constexpr std::string_view kCleanUp =
    "kubectl delete namespaces,clusterroles,clusterrolebindings -l "
    "app.kubernetes.io/part-of=roadstead";
constexpr std::array<std::string_view, 2> kClusterScoped{"clusterroles", "clusterrolebindings"};

struct RemoveOptions {
  std::string name;
  bool yes = false;
  bool hub_only = false;
  std::string output;
};

// Gives each object of ours outside of the Namespace that Namespace as its owner, so that garbage
// collection takes them when it goes. They must stay until then: the person's own rights hang on
// one of them.
Result<void> own_by_namespace(Session& session, ApiClient& member, const std::string& uid) {
  const json::object patch{{"metadata",
                            {{"ownerReferences", json::array{{{"apiVersion", "v1"},
                                                              {"kind", "Namespace"},
                                                              {"name", kAgentNamespace},
                                                              {"uid", uid}}}}}}};
  for (const std::string_view resource : kClusterScoped) {
    const std::string base = "/apis/rbac.authorization.k8s.io/v1/" + std::string(resource);
    TRY(const json::value list,
        member.get(base + "?labelSelector=" + kube::percent_encode(kPartOf)));
    const json::value* items = codec::find(list, {"items"});
    if (items == nullptr || !items->is_array()) {
      continue;
    }
    for (const json::value& item : items->get_array()) {
      const std::string name(kube::name_of(item));
      TRY_VOID(member.patch(base + '/' + kube::percent_encode(name), kMergePatch, patch)
                   .with_context(std::string(resource) + '/' + printable(name)));
    }
    session.say("  " + std::string(resource) + ": " + std::to_string(items->get_array().size()) +
                " will go with the namespace");
  }
  return {};
}

Result<void> remove_from_member(Session& session, const std::string& name) {
  TRY(const auto member, session.member(name));
  const std::string path = "/api/v1/namespaces/" + std::string(kAgentNamespace);
  TRY(const json::value space, member->get(path));
  TRY_VOID(own_by_namespace(session, *member, std::string(kube::uid_of(space))));
  const auto deleted = member->remove(path);
  // The Agent that carries the answer may be gone before the answer is.
  const bool cut = !deleted.ok() && (deleted.error().kind() == ErrorKind::Unavailable ||
                                     deleted.error().kind() == ErrorKind::Upstream ||
                                     deleted.error().kind() == ErrorKind::EndOfStream ||
                                     deleted.error().kind() == ErrorKind::Network);
  if (!deleted.ok() && !cut) {
    return deleted.error();
  }
  session.say("  namespace " + std::string(kAgentNamespace) + " is being deleted");
  return {};
}

bool is_unreachable(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::Unavailable:
    case ErrorKind::DeadlineExceeded:
    case ErrorKind::Network:
    case ErrorKind::EndOfStream:
    case ErrorKind::Upstream:
      return true;
    default:
      return false;
  }
}

// Whether the member was cleaned up.
Result<bool> clean_member(Session& session, const RemoveOptions& options,
                          const json::value& cluster) {
  if (options.hub_only) {
    return false;
  }
  if (!is_connected(cluster)) {
    session.say("The cluster is not connected: it is removed at the hub only.");
    return false;
  }
  auto done = remove_from_member(session, options.name);
  if (done.ok()) {
    return true;
  }
  const Error& error = done.error();
  if (is_unreachable(error)) {
    session.say("The cluster does not answer (" + error.message() +
                "): it is removed at the hub only.");
    return false;
  }
  if (error.kind() == ErrorKind::NotFound) {
    session.say("Nothing of the Agent is left in the cluster.");
    return true;
  }
  return Error(error.kind(),
               "in the cluster: " + error.message() +
                   "\nfix: let somebody with more rights there run: " + std::string(kCleanUp) +
                   "\nthen: roadstead cluster remove " + printable(options.name) + " --hub-only");
}

Result<void> remove(Session& session, const RemoveOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(ApiClient * hub, session.hub());
  const std::string path = hub_path("clusters", options.name);
  TRY(const json::value cluster, hub->get(path));
  const std::string name = printable(options.name);
  TRY_VOID(session.confirm(
      options.hub_only
          ? "Remove cluster " + name + " at the hub, and leave its Agent in the cluster?"
          : "Remove cluster " + name +
                ": the Agent and its rights in the cluster, and the entry at "
                "the hub?",
      options.yes));
  TRY(const bool cleaned, clean_member(session, options, cluster));
  TRY(const json::value answer, hub->remove(path).with_context("at the hub"));
  if (!cleaned) {
    session.say("What may be left in the cluster goes with this command, run there:\n  " +
                std::string(kCleanUp));
  }
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(answer);
  }
  session.out() << "cluster.roadstead.io/" << name << " removed\n";
  return {};
}

}  // namespace

void add_cluster_remove(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<RemoveOptions>();
  CLI::App* command = cluster->add_subcommand(
      "remove", "Remove a cluster: the Agent from the member, and the entry from the hub");
  command->alias("delete");
  command->add_option("NAME", options->name, "Name of the cluster")->required();
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  command->add_flag("--hub-only", options->hub_only, "Leave the member as it is");
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return remove(commands.session, *options); });
}

}  // namespace roadstead::cli
