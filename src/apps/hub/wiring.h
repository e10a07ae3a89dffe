// SPDX-License-Identifier: Apache-2.0
// Builds the hub from its parts and takes it down again, readable from top to bottom. Owned by
// main(); everything here is made on the first shard's thread before the others start.
#pragma once

#include <memory>
#include <string>

#include "apps/hub/settings.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/event.h"
#include "io/shard.h"

namespace roadstead::hub {

class Hub {
 public:
  // Opens the store, loads or makes the authorities, listens. Blocks at start only.
  static Result<std::unique_ptr<Hub>> start(const Settings& settings, const Clock& clock,
                                            Random& random, io::Shard& home,
                                            const telemetry::Logger& logger);
  virtual ~Hub() = default;

  virtual const std::string& listen_address() const = 0;  // with the real port
  virtual const std::string& metrics_address() const = 0;
  // A text for the terminal when nobody can log in yet: how the first administrator does. Else "".
  virtual const std::string& first_login() const = 0;

  // Serves until `stop` is set, then drains for a while.
  virtual io::Task<void> run(io::Event& stop) = 0;
};

}  // namespace roadstead::hub
