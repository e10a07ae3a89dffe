// SPDX-License-Identifier: Apache-2.0
#include "registry/ladder.h"

#include <map>

#include "base/rfc3339.h"

namespace roadstead::registry {
namespace {

constexpr std::string_view kLook =
    "kubectl -n roadstead-system exec deploy/roadstead-agent -- /roadstead-agent check";

Condition yes(std::string type, std::string reason, std::string message, std::string evidence) {
  return {std::move(type), "True", std::move(reason), std::move(message), std::move(evidence), ""};
}

Condition no(std::string type, std::string reason, std::string message, std::string evidence,
             std::string fix) {
  return {std::move(type),     "False",       std::move(reason), std::move(message),
          std::move(evidence), std::move(fix)};
}

Condition waits(std::string type, std::string_view for_what) {
  return {std::move(type), "Unknown", "Waiting", "waits for: " + std::string(for_what), "", ""};
}

Condition token_step(const ClusterFacts& f, WallTime now) {
  if (f.certificate_issued.has_value()) {
    return yes("TokenIssued", "TokenUsed", "a registration token was issued and used",
               "used " + format_rfc3339(*f.certificate_issued));
  }
  if (!f.token_minted.has_value()) {
    return no("TokenIssued", "NoToken", "no registration token has been issued", "",
              "roadstead cluster manifest " + f.name + " | kubectl apply -f -");
  }
  if (now >= *f.token_expires) {
    return no("TokenIssued", "TokenExpired", "the registration token expired unused",
              "expired " + format_rfc3339(*f.token_expires),
              "download the manifest again (each download has a fresh token): roadstead cluster "
              "manifest " +
                  f.name);
  }
  return yes("TokenIssued", "TokenIssued", "a registration token is valid",
             "until " + format_rfc3339(*f.token_expires));
}

Condition seen_step(const ClusterFacts& f, WallTime now) {
  if (f.attempt.has_value() && !f.attempt->error.empty()) {
    return no(
        "AgentSeen", f.attempt->reason, "an Agent called and was refused",
        "from " + f.attempt->address + " at " + format_rfc3339(f.attempt->at) + ": " +
            f.attempt->error,
        f.attempt->reason == "OtherAPIServer"
            ? "another cluster uses this cluster's token; remove its Agent, or remove and "
              "register this cluster again"
            : "download the manifest again and apply it: roadstead cluster manifest " + f.name);
  }
  if (f.attempt.has_value()) {
    return yes("AgentSeen", "Called", "an Agent has called",
               "from " + f.attempt->address + " at " + format_rfc3339(f.attempt->at));
  }
  // While a lane is open the last contact changes every few seconds, and each change is a write.
  if (!f.lanes.empty()) {
    return yes("AgentSeen", "Called", "an Agent has called",
               "from " + f.lanes.front().remote_address + " at " +
                   format_rfc3339(f.lanes.front().connected_at));
  }
  if (f.last_contact.has_value()) {
    return yes("AgentSeen", "Called", "an Agent has called",
               "last " + format_rfc3339(*f.last_contact));
  }
  Condition c = waits("AgentSeen", "an Agent's first call");
  if (f.token_minted.has_value() && now - *f.token_minted >= kSilence) {
    c.reason = "Silent";
    c.evidence = "nothing was heard since " + format_rfc3339(*f.token_minted);
    c.fix = "look from the member's side: " + std::string(kLook);
  }
  return c;
}

Condition certificate_step(const ClusterFacts& f, WallTime now) {
  if (!f.certificate_issued.has_value()) {
    return waits("CertificateIssued", "an Agent with a valid token");
  }
  if (f.certificate_not_after.has_value() && now >= *f.certificate_not_after) {
    return no("CertificateIssued", "CertificateExpired", "the Agent's certificate has expired",
              "expired " + format_rfc3339(*f.certificate_not_after),
              "an Agent that still has its key renews by itself within 90 days when it reaches the "
              "hub; if its clock is wrong, set it");
  }
  return yes("CertificateIssued", "Issued", "the cluster's Agents have a client certificate",
             f.certificate_not_after.has_value()
                 ? "valid until " + format_rfc3339(*f.certificate_not_after)
                 : "");
}

Condition connected_step(const ClusterFacts& f) {
  if (!f.lanes.empty()) {
    std::map<std::string, std::pair<int, std::string>> replicas;
    for (const LaneFact& lane : f.lanes) {
      ++replicas[lane.replica].first;
      replicas[lane.replica].second = lane.remote_address;
    }
    std::string evidence;
    for (const auto& [replica, seen] : replicas) {
      evidence += (evidence.empty() ? "" : "; ") + replica + ": " + std::to_string(seen.first) +
                  (seen.first == 1 ? " lane from " : " lanes from ") + seen.second;
    }
    return yes("Connected", "LanesOpen", std::to_string(replicas.size()) + " Agent(s) connected",
               std::move(evidence));
  }
  if (!f.certificate_issued.has_value() && !f.last_contact.has_value()) {
    return waits("Connected", "a certificate");
  }
  const std::string since = f.last_contact.has_value()
                                ? "last heard " + format_rfc3339(*f.last_contact)
                                : "never connected";
  return no("Connected", "NoLane", "no Agent is connected", since,
            "check the site's network and the Agent: " + std::string(kLook));
}

bool in_conflict(const ClusterFacts& f, WallTime now) {
  return f.conflict.has_value() && now - f.conflict->at < kConflictShown;
}

std::string conflict_evidence(const ClusterFacts& f) {
  const ConflictFact& other = *f.conflict;
  std::string text = "registered CA " + f.ca_fingerprint.substr(0, 16) + ", also seen " +
                     (other.fingerprint.empty() ? "none" : other.fingerprint.substr(0, 16)) +
                     " from " + other.address;
  if (!other.replica.empty()) {
    text += " (replica " + other.replica + ")";
  }
  return text;
}

Condition api_server_step(const ClusterFacts& f, WallTime now) {
  const bool connected = !f.lanes.empty();
  if (in_conflict(f, now)) {
    return no("APIServerReachable", "OtherAPIServer",
              "an Agent of this cluster speaks for another API server and is refused",
              conflict_evidence(f),
              "remove the other cluster's Agent; if this cluster's CA was replaced on purpose, "
              "remove and register it again");
  }
  if (!connected || !f.report.has_value()) {
    return waits("APIServerReachable", "a connected Agent's report");
  }
  if (!f.report->reachable) {
    return no("APIServerReachable", "APIServerRefuses",
              "the Agent does not get an answer from its API server", f.report->message,
              "look at the API server and at the Agent's log: kubectl -n roadstead-system logs "
              "deploy/roadstead-agent");
  }
  return yes("APIServerReachable", "Answered", "the API server answers through the tunnel",
             "at " + format_rfc3339(f.report->at));
}

Condition version_step(const ClusterFacts& f) {
  if (f.kubernetes_version.empty()) {
    return waits("VersionKnown", "the API server's version");
  }
  return yes("VersionKnown", "Read", "Kubernetes " + f.kubernetes_version, "");
}

Condition ready_step(const std::vector<Condition>& steps) {
  for (const Condition& step : steps) {
    const bool needed = step.type == "Connected" || step.type == "APIServerReachable" ||
                        step.type == "VersionKnown";
    if (needed && step.status != "True") {
      return {"Ready", "False", step.reason, step.message, step.evidence, step.fix};
    }
  }
  return yes("Ready", "Ready", "requests reach the cluster's API server", "");
}

std::string phase_of(const ClusterFacts& f, const std::vector<Condition>& steps, WallTime now) {
  const bool ready = steps.back().status == "True";
  if (f.removing) {
    return "Removing";
  }
  if (in_conflict(f, now)) {
    return "Failed";
  }
  if (ready) {
    return "Running";
  }
  // Before the first connection there is nothing to have lost.
  const bool was_connected = !f.kubernetes_version.empty();
  if (was_connected && f.lanes.empty()) {
    return "Unreachable";
  }
  if (f.report.has_value() && !f.report->reachable) {
    return "Unreachable";
  }
  const bool called = f.attempt.has_value() || f.certificate_issued.has_value();
  return called ? "Registering" : "Pending";
}

}  // namespace

Ladder climb(const ClusterFacts& facts, WallTime now) {
  Ladder ladder;
  std::vector<Condition>& steps = ladder.conditions;
  steps.push_back(token_step(facts, now));
  steps.push_back(seen_step(facts, now));
  steps.push_back(certificate_step(facts, now));
  steps.push_back(connected_step(facts));
  steps.push_back(api_server_step(facts, now));
  steps.push_back(version_step(facts));
  steps.push_back(ready_step(steps));
  ladder.phase = phase_of(facts, steps, now);
  return ladder;
}

}  // namespace roadstead::registry
