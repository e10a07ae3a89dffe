// SPDX-License-Identifier: Apache-2.0
// Ends a wait in another thread (an eventfd). wake() may be called from any thread.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace roadstead::storage::postgres {

class Wakeup {
 public:
  Wakeup() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Wakeup() { close(fd_); }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(write(fd_, &one, sizeof(one)));  // full: it is awake anyway
  }
  void clear() const {
    std::uint64_t count = 0;
    static_cast<void>(read(fd_, &count, sizeof(count)));
  }
  // False when the time passed.
  bool wait(int milliseconds) const {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, milliseconds) > 0;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace roadstead::storage::postgres
