// SPDX-License-Identifier: Apache-2.0
// What every part of a controller is made with. All of it outlives them.
#pragma once

#include "base/random.h"
#include "io/executor.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace roadstead::kube {

struct ControllerParts {
  io::Executor& executor;
  Random& random;
  telemetry::MetricRegistry& metrics;
  telemetry::Logger logger;
};

}  // namespace roadstead::kube
