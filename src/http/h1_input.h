// SPDX-License-Identifier: Apache-2.0
// The reading side of one HTTP/1.1 connection: what has arrived and is not used yet, at most
// `read_ahead` bytes. An idle connection holds no buffer: bytes are read into a scratch buffer of
// the thread and kept in a string of their size.
//
// Pumped (server): the connection is read all the time, so that a client that leaves is noticed
// while a handler works. On demand (client): reads happen only inside `more()`.
// Lives on the stream's shard.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_function.h"
#include "http/h1_body.h"
#include "io/event.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

class H1Input {
 public:
  enum class Mode : unsigned char { OnDemand, Pumped };
  H1Input(net::Stream& stream, std::size_t read_ahead, Mode mode);

  std::string_view buffered() const { return std::string_view(buffer_).substr(used_); }
  void consume(std::size_t bytes);
  // Everything that is buffered, without a copy where possible.
  std::string take_all();

  // Waits for more bytes than are buffered now. False: the peer ended its side. Fails with the
  // stream's error, with Cancelled after close() or interrupt().
  io::Task<Result<bool>> more();

  // Reads until the end, an error, or close(). The owner spawns it and joins it.
  io::Task<void> pump();
  // Called by the pump, once, when it meets the end (nullptr) or an error.
  void on_end(UniqueFunction<void(const Error*)> callback) { on_end_ = std::move(callback); }

  // Reads what is there now. True when nothing at all has arrived and the peer is still there.
  bool quiet();

  // Ends the `more()` that waits now, if one does, with Cancelled.
  void interrupt();
  void close();  // the pump ends as soon as the stream is closed

  bool ended() const { return ended_ || error_.has_value(); }

 private:
  enum class Read : unsigned char { Some, Nothing, Over };
  Read read_now();
  void finish(std::optional<Error> error);

  net::Stream& stream_;
  std::size_t read_ahead_;
  Mode mode_;
  std::string buffer_;
  std::size_t used_ = 0;
  bool closed_ = false;
  bool ended_ = false;
  bool interrupted_ = false;
  std::optional<Error> error_;
  UniqueFunction<void(const Error*)> on_end_;
  io::Event arrived_;
  io::Event space_;
};

// The next payload of a body, at most 64 KiB, as BodySource::read gives it.
io::Task<Result<std::string>> read_body(H1Input& input, H1Body& body);
// The next raw bytes; "" when the peer has ended its side.
io::Task<Result<std::string>> read_raw(H1Input& input);

}  // namespace roadstead::http
