// SPDX-License-Identifier: Apache-2.0
// A hot path whose instructions are counted: prepared once, then gone through again and again.
#pragma once

#include <memory>
#include <span>

namespace roadstead::bench {

class Work {
 public:
  virtual ~Work() = default;
  // So many units. Ends the process when something goes wrong: a path that fails early is cheap.
  virtual void run(int units) = 0;
};

template <class Path>
std::unique_ptr<Work> prepare() {
  return std::make_unique<Path>();
}

struct HotPath {
  const char* name;
  const char* unit;  // what a count is for
  int units;         // how many are counted: enough that what happens now and then does not show
  std::unique_ptr<Work> (*prepare)();
};

std::span<const HotPath> request_paths();
std::span<const HotPath> tls_paths();
std::span<const HotPath> object_paths();

}  // namespace roadstead::bench
