// SPDX-License-Identifier: Apache-2.0
// Lines for a descriptor whose reader may be slow: a log's pipe, a terminal, a disk. They are
// collected and written by a thread of its own, many with one system call, at the latest after
// `delay`. add() never waits for the descriptor. When its reader stands still, lines wait up to
// `most_waiting` bytes; what comes then is lost and counted, and once the descriptor takes bytes
// again a line says how many were.
// Made and destroyed by the wiring; add() and lost() may be called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/unique_function.h"

namespace roadstead::io {

struct BatchWriterOptions {
  std::size_t most_waiting = 16 << 20;
  std::size_t batch = 64 * 1024;  // written at once, without waiting for the delay
  Duration delay = std::chrono::milliseconds(100);
  Duration finish_time = std::chrono::seconds(2);  // for what waits at the end
};

class BatchWriter {
 public:
  // Does not own the descriptor, which may be blocking. `lost_line` words the line about lost ones;
  // it is called on the writer's thread.
  BatchWriter(int fd, BatchWriterOptions options,
              UniqueFunction<std::string(std::uint64_t)> lost_line);
  // Writes what waits, for at most `finish_time`.
  ~BatchWriter();
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  // One or more whole lines with their line feeds. False: lost.
  bool add(std::string_view lines);
  // Lines, since the start.
  std::uint64_t lost() const;

 private:
  void run();
  bool write_out(std::string_view bytes);
  std::size_t write_some(std::string_view bytes);
  std::string_view next_piece(std::string_view bytes) const;
  void report_lost();
  bool out_of_time() const;

  const int fd_;
  const BatchWriterOptions options_;
  const UniqueFunction<std::string(std::uint64_t)> lost_line_;
  const bool regular_file_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;
  std::size_t writing_ = 0;  // bytes taken from waiting_ and not yet written
  std::uint64_t lost_ = 0;
  std::uint64_t reported_ = 0;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point finish_by_;
  std::thread thread_;  // last: it uses what is above
};

}  // namespace roadstead::io
