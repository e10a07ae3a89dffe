// SPDX-License-Identifier: Apache-2.0
// Gives memory back to the system when a busy time is over: what malloc keeps free within its heap,
// and what the thread's BlockPool keeps. Neither does so by itself, and a program that had a
// thousand watches an hour ago would look as if it still had them. Looks at its shard every two
// seconds, and acts once after each busy time: never while there is work, since it costs some
// milliseconds for each hundred MiB. Lives on the shard.
#pragma once

#include <cstdint>

#include "io/executor.h"
#include "io/shard.h"

namespace roadstead::io {

class MemoryReturn {
 public:
  explicit MemoryReturn(Shard& shard);

  // What happened in one look, for tests: true when it gave back.
  bool look(std::uint64_t turns);

 private:
  void arm();

  Shard& shard_;
  Timer timer_;
  std::uint64_t seen_ = 0;
  std::uint64_t busy_ = 0;  // turns that were not calm, since it gave back
};

}  // namespace roadstead::io
