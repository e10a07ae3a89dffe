// SPDX-License-Identifier: Apache-2.0
#include "cli/pods.h"

#include <algorithm>
#include <set>

#include "cli/text.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kImageFix =
    "make the image known to the nodes: (1) let them pull from the hub: its port must be reachable "
    "and its certificate trusted by containerd; or (2) roadstead agent image -o agent.tar, then on "
    "each node: ctr -n k8s.io images import agent.tar; or (3) push it to your registry and "
    "register with: roadstead cluster create NAME --image-repository HOST/PATH";

const json::array& array_at(const json::value& value,
                            std::initializer_list<std::string_view> path) {
  static const json::array kNone;
  const json::value* found = codec::find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

std::string text_at(const json::value& value, std::initializer_list<std::string_view> path) {
  return printable(codec::string_at(value, path));
}

class Findings {
 public:
  void add(std::string what, std::string_view fix = {}) {
    const PodFinding finding{std::move(what), std::string(fix)};
    if (std::find(list_.begin(), list_.end(), finding) == list_.end()) {
      list_.push_back(finding);
    }
  }
  std::vector<PodFinding> take() { return std::move(list_); }

 private:
  std::vector<PodFinding> list_;
};

// What a container said as it ended; the Agent writes its reason there.
void add_termination(const json::value& terminated, Findings& findings) {
  const std::string said = text_at(terminated, {"message"});
  const std::int64_t code = codec::int_at(terminated, {"exitCode"});
  if (code == 0 && said.empty()) {
    return;
  }
  const std::string reason = text_at(terminated, {"reason"});
  if (reason == "OOMKilled") {
    findings.add("the Agent was killed because it needed more memory than its limit");
    return;
  }
  findings.add("the Agent ended with exit code " + std::to_string(code) +
                   (said.empty() ? (reason.empty() ? "" : " (" + reason + ")") : ": " + said),
               said.empty() ? "read its log: kubectl -n roadstead-system logs "
                              "deploy/roadstead-agent --previous"
                            : "");
}

void add_waiting(const json::value& container, Findings& findings) {
  const std::string reason = text_at(container, {"state", "waiting", "reason"});
  const std::string message = text_at(container, {"state", "waiting", "message"});
  const std::string image = text_at(container, {"image"});
  const bool pull = reason == "ErrImagePull" || reason == "ImagePullBackOff" ||
                    reason == "InvalidImageName" || reason == "ErrImageNeverPull" ||
                    reason == "RegistryUnavailable";
  if (pull) {
    // The back-off only repeats that there was an error, which an event tells.
    findings.add("the image " + image + " is not pulled: " +
                     (reason == "ImagePullBackOff" || message.empty() ? reason : message),
                 kImageFix);
  } else if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing" &&
             reason != "CrashLoopBackOff") {
    findings.add("the Agent's container cannot start: " + reason +
                 (message.empty() ? "" : ": " + message));
  }
}

void explain_pod(const json::value& pod, Findings& findings) {
  for (const json::value& condition : array_at(pod, {"status", "conditions"})) {
    if (codec::string_at(condition, {"type"}) == "PodScheduled" &&
        codec::string_at(condition, {"status"}) == "False") {
      findings.add(
          "no node takes the Agent: " + text_at(condition, {"message"}),
          "the Agent asks for 20m CPU and 32Mi memory and tolerates no taints: add a node, "
          "make room, or remove a taint");
    }
  }
  for (const json::value& container : array_at(pod, {"status", "containerStatuses"})) {
    add_waiting(container, findings);
    const json::value* now = codec::find(container, {"state", "terminated"});
    const json::value* before = codec::find(container, {"lastState", "terminated"});
    if (now != nullptr) {
      add_termination(*now, findings);
    } else if (before != nullptr && !codec::bool_at(container, {"ready"})) {
      add_termination(*before, findings);
    }
  }
  if (codec::string_at(pod, {"status", "reason"}) == "Evicted") {
    findings.add("a pod was evicted: " + text_at(pod, {"status", "message"}));
  }
}

bool all_ready(const json::value& pods) {
  const json::array& items = array_at(pods, {"items"});
  return !items.empty() && std::all_of(items.begin(), items.end(), [](const json::value& pod) {
    const json::object* ready = kube::find_condition(pod, "Ready");
    return ready != nullptr && codec::string_at(*ready, {"status"}) == "True";
  });
}

// Events last an hour: those of pods that are gone say nothing about now.
bool concerns(const json::value& event, const std::set<std::string>& pods) {
  const std::string kind(codec::string_at(event, {"involvedObject", "kind"}));
  return kind != "Pod" ||
         pods.contains(std::string(codec::string_at(event, {"involvedObject", "name"})));
}

void explain_event(const json::value& event, bool has_pods, Findings& findings) {
  const std::string reason = text_at(event, {"reason"});
  const std::string message = text_at(event, {"message"});
  if (reason == "FailedCreate" && !has_pods) {
    findings.add(
        "the cluster refuses to make the Agent's pods: " + message,
        "a quota, an admission policy or a webhook is in the way; what it says above names "
        "it");
  } else if (reason == "Failed" && message.find("pull") != std::string::npos) {
    findings.add("a node could not pull the image: " + message, kImageFix);
  } else if (reason == "FailedMount" || reason == "FailedCreatePodSandBox") {
    findings.add("a node could not start the pod: " + message);
  }
}

}  // namespace

std::vector<PodFinding> explain_pods(const json::value& pods, const json::value& events) {
  Findings findings;
  if (all_ready(pods)) {
    return findings.take();
  }
  std::set<std::string> names;
  for (const json::value& pod : array_at(pods, {"items"})) {
    names.emplace(kube::name_of(pod));
    explain_pod(pod, findings);
  }
  for (const json::value& event : array_at(events, {"items"})) {
    if (codec::string_at(event, {"type"}) == "Warning" && concerns(event, names)) {
      explain_event(event, !names.empty(), findings);
    }
  }
  return findings.take();
}

std::string pods_summary(const json::value& pods) {
  const json::array& items = array_at(pods, {"items"});
  if (items.empty()) {
    return "";
  }
  const auto ready = std::count_if(items.begin(), items.end(), [](const json::value& pod) {
    const json::object* condition = kube::find_condition(pod, "Ready");
    return condition != nullptr && codec::string_at(*condition, {"status"}) == "True";
  });
  return std::to_string(ready) + " of " + std::to_string(items.size()) + " pods ready";
}

}  // namespace roadstead::cli
