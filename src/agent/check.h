// SPDX-License-Identifier: Apache-2.0
// `roadstead-agent check`: every step from this place to the hub and to the API server, each with
// what was seen, up to the first that fails and what to do about it. Changes nothing.
#pragma once

#include <functional>
#include <string>

#include "agent/failure.h"
#include "agent/settings.h"
#include "io/blocking_pool.h"
#include "io/shard.h"
#include "io/task.h"

namespace roadstead::agent {

struct CheckStep {
  bool ok = false;
  std::string name;
  std::string evidence;
  std::string fix;  // when not ok
};

// "  ✓ Hub trusted: TLSv1.3, certificate for ..."; with the fix on a line of its own.
std::string format_step(const CheckStep& step);

// True when all steps are good. `print` gets each step as it is done.
io::Task<bool> run_check(const AgentSettings& settings, io::Shard& shard,
                         io::BlockingPool& blocking, std::function<void(const CheckStep&)> print);

}  // namespace roadstead::agent
