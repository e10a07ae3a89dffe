// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace roadstead {

MonotonicTime SystemClock::now() const {
  return {
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace roadstead
