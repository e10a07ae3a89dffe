// SPDX-License-Identifier: Apache-2.0
// roadstead cluster connect: the whole registration with the person's kubeconfig for the member.
#include <algorithm>
#include <ostream>

#include "cli/apply.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/follow.h"
#include "cli/ladder.h"
#include "cli/member_access.h"
#include "cli/pods.h"
#include "cli/process.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

constexpr Duration kPodsLook = std::chrono::seconds(2);

struct ConnectOptions {
  std::string name;
  std::string kubeconfig;
  std::string kube_context;
  std::string endpoint = "public";
  std::string role = "cluster-admin";
  std::string image_repository;
  std::string timeout = "5m";
  std::string output;
};

Result<MemberAccess> open_member(Session& session, const ConnectOptions& options) {
  const Environment& environment = session.environment();
  const MemberAccessSources sources{.read = [](const std::string& path) { return read_file(path); },
                                    .run = run_for_output,
                                    .environment = environment.variables};
  TRY(MemberAccess access,
      member_access(kubeconfig_files(options.kubeconfig, environment.variable("KUBECONFIG"),
                                     environment.variable("HOME")),
                    options.kube_context, sources));
  if (!access.target.proxy.proxy.has_value()) {
    TRY(access.target.proxy, session.proxy());
  }
  return access;
}

Result<json::value> create(Session& session, ApiClient& hub, const ConnectOptions& options) {
  json::object spec;
  if (!options.image_repository.empty()) {
    spec["agent"] = {{"imageRepository", options.image_repository}};
  }
  TRY(json::value made,
      hub.post(hub_path("clusters"), json::object{{"apiVersion", "roadstead.io/v1alpha1"},
                                                  {"kind", "Cluster"},
                                                  {"metadata", {{"name", options.name}}},
                                                  {"spec", std::move(spec)}}));
  session.say(object_reference(made) + " created at the hub");
  return made;
}

// The member may be registered already, here under another name or at another hub; its Agent's
// Secret says so. Overwriting it would cut that registration off. `uid` is that of the Cluster at
// the hub, "" while there is none.
Result<void> check_not_taken(ApiClient& member, std::string_view own_uid) {
  const auto secret =
      member.get("/api/v1/namespaces/" + std::string(kAgentNamespace) + "/secrets/roadstead-agent");
  if (!secret.ok()) {
    return secret.error().kind() == ErrorKind::NotFound ? Result<void>()
                                                        : Result<void>(secret.error());
  }
  const auto field = [&](std::string_view name) {
    const auto text = codec::base64_decode(codec::string_at(*secret, {"data", name}));
    return text.ok() ? *text : std::string();
  };
  const std::string uid = field("cluster-uid");
  if (uid.empty() || uid == own_uid) {
    return {};
  }
  return Error(ErrorKind::AlreadyExists,
               "this cluster is registered already, as \"" + printable(field("cluster")) +
                   "\" at the hub " + printable(field("hub")) +
                   "; to move it here, remove that registration first: kubectl delete "
                   "namespaces,clusterroles,clusterrolebindings -l "
                   "app.kubernetes.io/part-of=roadstead");
}

Result<void> apply_all(Session& session, ApiClient& member, std::string_view manifest) {
  TRY(const std::vector<json::value> objects,
      codec::parse_yaml(manifest).with_context("the hub's manifest"));
  Applier applier(member);
  for (const json::value& object : objects) {
    auto applied = applier.apply(object);
    if (!applied.ok()) {
      Error error = std::move(applied).error();
      if (error.kind() == ErrorKind::PermissionDenied) {
        return Error(error.kind(),
                     error.message() +
                         "\nfix: use a kubeconfig of a cluster administrator, or hand the manifest "
                         "to one: roadstead cluster manifest NAME > agent.yaml");
      }
      return error;
    }
    session.say("  applied " + printable(*applied));
  }
  return {};
}

// Looks at the member's pods now and then, and says each finding once.
class PodWatcher {
 public:
  PodWatcher(Session& session, ApiClient& member) : session_(session), member_(member) {}

  void look() {
    const Clock& clock = session_.environment().clock;
    if (clock.now() < next_) {
      return;
    }
    next_ = clock.now() + kPodsLook;
    const std::string base = "/api/v1/namespaces/" + std::string(kAgentNamespace);
    const auto pods =
        member_.get(base + "/pods?labelSelector=app.kubernetes.io%2Fname%3Droadstead-agent");
    const auto events = member_.get(base + "/events?limit=200");
    if (!pods.ok() || !events.ok()) {
      const Error& error = pods.ok() ? events.error() : pods.error();
      say_once("the cluster's pods cannot be read: " + error.message(), "");
      return;
    }
    const std::string summary = pods_summary(*pods);
    if (summary != summary_ && !summary.empty()) {
      session_.say("  in the cluster: " + summary);
    }
    summary_ = summary;
    for (const PodFinding& finding : explain_pods(*pods, *events)) {
      say_once(finding.what, finding.fix);
    }
  }

 private:
  void say_once(const std::string& what, const std::string& fix) {
    if (std::find(said_.begin(), said_.end(), what) != said_.end() || said_.size() > 50) {
      return;
    }
    said_.push_back(what);
    session_.say(session_.err_palette().paint(Colour::Bad, "✗") + " in the cluster: " + what);
    if (!fix.empty()) {
      session_.say("    fix:      " + fix);
    }
  }

  Session& session_;
  ApiClient& member_;
  MonotonicTime next_{};
  std::string summary_;
  std::vector<std::string> said_;
};

void say_next(Session& session, const std::string& name) {
  session.say("\nNext:\n  roadstead kubeconfig " + name +
              " --merge\n  kubectl --context roadstead-" + name + " get namespaces");
}

Result<void> connect(Session& session, const ConnectOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(const Duration timeout, parse_duration(options.timeout).with_context("--timeout"));
  TRY(const MemberAccess access, open_member(session, options));
  ApiClient member(session.network(), access.target, "the cluster's API server");
  TRY(const json::value version, member.get("/version").with_context(access.origin));
  session.say("Member: " + net::format_host_port(access.target.address) + " (" + access.origin +
              "), Kubernetes " + printable(codec::string_at(version, {"gitVersion"}, "unknown")));

  TRY(ApiClient * hub, session.hub());
  const auto found = hub->get(hub_path("clusters", options.name));
  if (!found.ok() && found.error().kind() != ErrorKind::NotFound) {
    return found.error();
  }
  TRY_VOID(check_not_taken(member, found.ok() ? kube::uid_of(*found) : std::string_view()));
  if (!found.ok()) {
    TRY_VOID(create(session, *hub, options));
  }
  TRY(const json::value registration,
      hub->post(hub_path("clusters", options.name, "registration"),
                json::object{
                    {"apiVersion", "roadstead.io/v1alpha1"},
                    {"kind", "ClusterRegistration"},
                    {"spec", {{"endpoint", options.endpoint}, {"registrarRole", options.role}}}}));
  session.say("Applying the manifest; the Agent's image is " +
              printable(codec::string_at(registration, {"status", "image"})) +
              ", and you will be " +
              printable(codec::string_at(registration, {"status", "memberUser"})) +
              " with the ClusterRole " + printable(options.role));
  TRY_VOID(apply_all(session, member, codec::string_at(registration, {"status", "manifest"})));

  PodWatcher pods(session, member);
  TRY(const json::value ready,
      follow_until_ready(session, *hub, options.name, timeout, [&pods] { pods.look(); }));
  if (format != Format::Table && format != Format::Wide) {
    return session.printer(format).print(ready);
  }
  session.out() << '\n' << format_ladder(ready, session.out_palette(), session.now());
  say_next(session, options.name);
  return {};
}

}  // namespace

void add_cluster_connect(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<ConnectOptions>();
  CLI::App* command = cluster->add_subcommand(
      "connect", "Register a cluster with your kubeconfig for it, and follow it until it is ready");
  command->add_option("NAME", options->name, "Name of the cluster at the hub")->required();
  command->add_option("--kubeconfig", options->kubeconfig, "Your kubeconfig for the cluster")
      ->type_name("FILE");
  command->add_option("--context,--kube-context", options->kube_context, "Its context")
      ->type_name("NAME");
  command->add_option("--endpoint", options->endpoint,
                      "Address the Agents dial: public or private");
  command->add_option("--role", options->role, "ClusterRole that you get in the cluster");
  command->add_option("--image-repository", options->image_repository,
                      "Where nodes pull the Agent from; default: the hub");
  command->add_option("--timeout", options->timeout, "Give up after so long; default 5m")
      ->type_name("TIME");
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return connect(commands.session, *options); });
}

}  // namespace roadstead::cli
