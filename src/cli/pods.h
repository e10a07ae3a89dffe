// SPDX-License-Identifier: Apache-2.0
// Why the Agent does not run, read from the member's pods and events: what the hub cannot see.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "codec/json.h"

namespace roadstead::cli {

namespace json = codec::json;

struct PodFinding {
  std::string what;  // in a sentence
  std::string fix;   // may be empty
  bool operator==(const PodFinding&) const = default;
};

// `pods` and `events` are lists of the namespace roadstead-system. Nothing is found while all goes
// its normal way. Without repetitions, the most telling first.
std::vector<PodFinding> explain_pods(const json::value& pods, const json::value& events);

// "2 of 2 pods ready"; "" without pods.
std::string pods_summary(const json::value& pods);

}  // namespace roadstead::cli
