// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT as events of the shard.
#pragma once

#include <memory>

#include "base/result.h"
#include "io/fd_watcher.h"
#include "io/shard.h"
#include "io/task.h"

namespace roadstead::agent_app {

class Signals {
 public:
  // Blocks both signals for the whole process: call it before threads are started.
  static void block();
  static Result<std::unique_ptr<Signals>> create(io::Shard& shard);
  ~Signals();

  io::Task<Result<int>> next();  // the signal's number; Cancelled after close()
  void close();

 private:
  Signals(io::Shard& shard, int fd) : fd_(fd), watcher_(shard, fd) {}
  int fd_;
  io::FdWatcher watcher_;
};

}  // namespace roadstead::agent_app
