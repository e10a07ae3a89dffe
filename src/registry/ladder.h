// SPDX-License-Identifier: Apache-2.0
// The registration ladder: from what the hub has seen of a cluster to conditions that say, step by
// step, what is true, since when, by which evidence, and what to do. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace roadstead::registry {

struct LaneFact {
  std::uint64_t number = 0;
  std::string replica;
  std::string software;
  std::string remote_address;
  WallTime connected_at{};
  WallTime certificate_not_after{};
};

struct ReportFact {
  bool reachable = false;
  std::string version;
  std::string message;
  WallTime at{};
};

struct AttemptFact {  // somebody called the enrolment port in this cluster's name
  std::string address;
  std::string error;   // "" when a certificate was issued
  std::string reason;  // "TokenUsed", "TokenExpired", "TokenUnknown", "OtherAPIServer", ...
  WallTime at{};
};

// An Agent of this cluster, with its certificate or token, spoke for another API server.
struct ConflictFact {
  std::string fingerprint;  // of that one's CA; "" when it named none
  std::string replica;      // "" from an enrolment call
  std::string address;
  WallTime at{};  // last
};

// Everything the hub knows; times are the hub's.
struct ClusterFacts {
  std::string name;
  std::optional<WallTime> token_minted;
  std::optional<WallTime> token_expires;
  std::optional<AttemptFact> attempt;
  std::optional<WallTime> certificate_issued;
  std::optional<WallTime> certificate_not_after;
  std::vector<LaneFact> lanes;
  std::optional<ReportFact> report;
  std::string ca_fingerprint;  // of the API server that was registered
  std::optional<ConflictFact> conflict;
  std::optional<WallTime> last_contact;
  std::string kubernetes_version;
  bool paused = false;
  bool removing = false;
};

struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;
  std::string evidence;
  std::string fix;
};

struct Ladder {
  std::string phase;
  std::vector<Condition> conditions;  // in the order of the steps; "Ready" is the last
};

// How long an Agent may be silent before the ladder shows the member-side command.
inline constexpr Duration kSilence = std::chrono::seconds(60);
// How long a refused Agent of another API server is shown after it last tried; it tries more often.
inline constexpr Duration kConflictShown = std::chrono::minutes(10);

// Times stand in it as they are, not as ages: an age would change with every look.
Ladder climb(const ClusterFacts& facts, WallTime now);

}  // namespace roadstead::registry
