// SPDX-License-Identifier: Apache-2.0
// The pod's termination message (/dev/termination-log): the last failure in words, so that
// `kubectl describe pod` shows it. Lives on the Agent's shard.
#pragma once

#include <string>

#include "io/blocking_pool.h"
#include "io/task_group.h"

namespace roadstead::agent {

class TerminationLog {
 public:
  // `path` "" writes nothing.
  TerminationLog(std::string path, io::Executor& executor, io::BlockingPool& pool)
      : path_(std::move(path)), executor_(executor), pool_(pool), tasks_(executor) {}

  void write(std::string text);  // the last text wins
  io::Task<void> settle();       // waits for what is being written; no writes after it
  // Blocks; for a process that ends before its shard runs.
  void write_now(std::string text);

 private:
  io::Task<void> write_pending();

  std::string path_;
  io::Executor& executor_;
  io::BlockingPool& pool_;
  io::TaskGroup tasks_;
  std::string written_;
  std::string pending_;
  bool writing_ = false;
};

}  // namespace roadstead::agent
