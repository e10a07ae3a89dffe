// SPDX-License-Identifier: Apache-2.0
// The writing side of a server's HTTP/1.1 connection: one bounded buffer and one coroutine that
// empties it. The coroutine runs after whoever filled the buffer has paused, so a head and a small
// body leave in one write. Lives on the stream's shard.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_function.h"
#include "io/event.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

class H1Output {
 public:
  H1Output(net::Stream& stream, std::size_t limit);

  // Small framing bytes, taken whatever the buffer holds.
  void append(std::string_view bytes);
  // Waits until `bytes` fit below the limit or the buffer is empty. Called before `append` of
  // payload.
  io::Task<Result<void>> room(std::size_t bytes);
  // Waits until everything was handed to the stream.
  io::Task<Result<void>> flush();

  // Writes until close(). The owner spawns it and joins it.
  io::Task<void> pump();
  void on_failure(UniqueFunction<void()> callback) { on_failure_ = std::move(callback); }
  // Later and waiting calls fail with Cancelled.
  void close();

  std::size_t queued() const { return buffer_.size() - sent_; }

 private:
  Result<void> state() const;

  net::Stream& stream_;
  std::size_t limit_;
  std::string buffer_;
  std::size_t sent_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
  UniqueFunction<void()> on_failure_;
  io::Event filled_;
  io::Event drained_;
};

}  // namespace roadstead::http
