// SPDX-License-Identifier: Apache-2.0
// How much the kernel takes of a connection before it is sent (TCP_NOTSENT_LOWAT). What is written
// next waits behind that much, so it should be little; a sender that the kernel cannot feed from it
// until this process is awake again stands still, and BBR takes that for an application without
// data. So it follows what the kernel measures: as much as the path takes in half a round trip, and
// in no less time than kWakeUp. Owned by the connection; one shard.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "net/stream.h"

namespace roadstead::net {

class UnsentLimit {
 public:
  static constexpr Duration kWakeUp = std::chrono::microseconds(100);

  // Begins with the least.
  void follow(int fd, UnsentBounds bounds);
  // The socket took no more: looks at the path anew. Nothing before follow().
  void refused(int fd);
  std::size_t bytes() const { return bytes_; }

  // Rises at once and falls by an eighth: a loss makes the kernel's last figure small for a moment.
  // `rate` in bytes a second.
  static std::size_t next(std::size_t now, double rate, Duration round_trip, UnsentBounds bounds);

 private:
  void set(int fd, std::size_t bytes);

  UnsentBounds bounds_;
  std::size_t bytes_ = 0;  // 0 before follow()
};

}  // namespace roadstead::net
