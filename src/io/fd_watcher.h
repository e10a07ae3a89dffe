// SPDX-License-Identifier: Apache-2.0
// Readiness of one non-blocking descriptor, registered once with the shard's epoll (edge-triggered,
// both directions). Does not own the descriptor. At most one waiter for each direction.
//
// Use: try the system call; on EAGAIN say `blocked_read()` and `co_await readable()`.
#pragma once

#include <coroutine>
#include <utility>

#include "base/result.h"

namespace roadstead::io {

class Shard;

class FdWatcher {
 public:
  FdWatcher(Shard& shard, int fd);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  int fd() const { return fd_; }
  void blocked_read() { read_.ready = false; }
  // A read got less than it asked for, so the next one would block (epoll(7)) and need not be
  // tried: take_drained() says so, once. Not after the peer's end, which may have come with those
  // bytes.
  void drained_read() {
    if (!peer_ended_) {
      read_.ready = false;
      drained_ = true;
    }
  }
  bool take_drained() { return std::exchange(drained_, false); }
  void blocked_write() { write_.ready = false; }

  struct Direction {
    bool ready = true;
    std::coroutine_handle<> waiter;
  };
  struct Awaiter {
    FdWatcher& watcher;
    Direction& direction;
    bool await_ready() { return direction.ready || watcher.closed_; }
    void await_suspend(std::coroutine_handle<> h);
    Result<void> await_resume();
  };
  // Fails with Cancelled after close().
  Awaiter readable() { return {*this, read_}; }
  Awaiter writable() { return {*this, write_}; }

  // Ends both waits. The owner closes the descriptor after this.
  void close();
  bool closed() const { return closed_; }

 private:
  friend class Shard;
  void on_events(unsigned events);
  void wake(Direction& direction);

  Shard& shard_;
  int fd_;
  bool closed_ = false;
  bool peer_ended_ = false;
  bool drained_ = false;
  Direction read_;
  Direction write_;
};

}  // namespace roadstead::io
