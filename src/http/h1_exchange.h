// SPDX-License-Identifier: Apache-2.0
// The server's side of one HTTP/1.1 request; see message.h. Owned by the serving coroutine of its
// connection, one at a time, on the stream's shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/h1_body.h"
#include "http/h1_input.h"
#include "http/h1_output.h"
#include "http/h1_parser.h"
#include "http/message.h"

namespace roadstead::http {

// What an exchange uses of its connection.
struct H1Wire {
  net::Stream& stream;
  H1Input& input;
  H1Output& output;
  Connection& connection;
  const bool& draining;

  // Ends both directions at once; everything that waits is told.
  void close() const;
};

class H1Exchange final : public ServerExchange {
 public:
  H1Exchange(const H1Wire& wire, H1Request request);

  const RequestHead& request() const override { return request_.head; }
  Connection& connection() override { return wire_.connection; }
  io::Executor& executor() override { return wire_.stream.executor(); }
  bool request_ended() const override { return body_.ended() && !upgraded(); }
  bool responded() const override { return responded_; }
  io::Task<Result<std::string>> read() override;
  const Headers& trailers() const override { return body_.trailers(); }
  io::Task<Result<void>> respond(ResponseHead head, bool end) override;
  io::Task<Result<void>> write(std::string_view bytes) override;
  io::Task<Result<void>> finish(Headers trailers) override;
  void stop_reading() override;
  void on_abort(UniqueFunction<void()> callback) override;
  void reset() override;

  // The connection's reader met the end of input (nullptr) or an error.
  void peer_ended(const Error* error);
  // Closes the connection, and tells the handler unless the response has ended.
  void abort();

  bool finished() const { return finished_; }
  bool aborted() const { return aborted_; }
  bool upgraded() const { return mode_ == Mode::Raw; }
  bool must_close() const { return close_; }
  // Reads and drops what is left of the request's body. False: too much, or broken.
  io::Task<bool> drain_body();

 private:
  enum class Mode : unsigned char { None, Length, Chunked, Raw };

  Result<void> begin(const ResponseHead& head, bool end);
  Result<void> begin_upgrade(const ResponseHead& head);
  Result<void> check_piece(std::size_t bytes);
  void tell_handler();

  H1Wire wire_;
  H1Request request_;
  H1Body body_;
  Mode mode_ = Mode::None;
  std::uint64_t left_ = 0;  // of a response with a length
  bool awaits_continue_;
  bool responded_ = false;
  bool finished_ = false;
  bool aborted_ = false;
  bool close_ = false;
  bool reading_stopped_ = false;
  // Shared with the executor's queue, which must find nothing when the exchange has gone.
  std::shared_ptr<UniqueFunction<void()>> on_abort_;
};

}  // namespace roadstead::http
