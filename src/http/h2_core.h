// SPDX-License-Identifier: Apache-2.0
// The protocol machine of one HTTP/2 connection: nghttp2 and the table of streams, without I/O.
// Bytes come in by receive(), go out by gather(); what happens on a stream is written into its
// H2Stream and wakes whoever waits there, what concerns the connection goes to the H2Listener.
// Lives on one shard; owned by the session. Nothing of the user is called from inside nghttp2.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "http/h2_fields.h"
#include "http/h2_past_streams.h"
#include "http/h2_session.h"
#include "http/h2_stream.h"
#include "io/executor.h"

namespace roadstead::http {

// Called while nghttp2 works: must not call receive() or gather(), nor user code.
class H2Listener {
 public:
  virtual ~H2Listener() = default;
  // A request head has arrived. False: too much is running, refuse the stream.
  virtual bool on_request(H2Stream& stream) = 0;
  virtual void on_settings() = 0;
  virtual void on_goaway() = 0;
  virtual void on_ping_answer(std::uint64_t number) = 0;
  virtual void on_stream_closed() = 0;
  // There may be something to gather.
  virtual void on_output() = 0;
};

class H2Core {
 public:
  // gather() needs this much room, and fills about kGatherTarget of it.
  static constexpr std::size_t kGatherTarget = 64 * 1024;
  static constexpr std::size_t kGatherRoom = kGatherTarget + 17 * 1024;
  static constexpr std::uint32_t kScarceWindow = 16 * 1024;

  H2Core(H2Session::Role role, const H2Options& options, io::Executor& executor,
         H2Listener& listener);
  ~H2Core();
  H2Core(const H2Core&) = delete;
  H2Core& operator=(const H2Core&) = delete;

  // Fails when the peer broke the protocol beyond repair; ordinary errors queue a GOAWAY.
  Result<void> receive(std::span<const std::byte> bytes);
  // Whole frames, at most `out.size()` bytes (kGatherRoom); 0: nothing to send now.
  Result<std::size_t> gather(std::span<std::byte> out);
  // Makes all windows small while the common budget is scarce, and large again after it.
  void follow_budget();
  // Bytes of gather() that the stream below has taken: from then on a request counts as sent.
  void output_taken(std::size_t bytes) { output_taken_ += bytes; }

  bool wants_output() const;
  bool finished() const;  // neither side will say more
  std::size_t queued_frames() const;
  std::size_t queued_bytes() const { return queued_bytes_; }

  // Ends every stream with this failure and takes no more input; nghttp2 is not used again.
  void abandon(const Error& failure);
  bool abandoned() const { return abandoned_; }

  Result<H2StreamRef> open(SharedRequestHead head, bool end);
  Result<void> respond(H2Stream& stream, ResponseHead head, bool end);
  void answer_expectation(H2Stream& stream);  // 100 (Continue)
  // Bytes were added to stream.send, or its end became wanted.
  void send_more(H2Stream& stream, std::size_t bytes);
  void credit(H2Stream& stream, std::size_t bytes);
  void reset(H2Stream& stream, std::uint32_t code);
  // RST_STREAM, once: nghttp2 would send a second one for a request that the first one kept from
  // being sent, and that ends the connection (RFC 9113 section 5.1, idle streams).
  void submit_reset(H2Stream& stream, std::uint32_t code);
  // What the peer still sends is dropped; once our side has ended, it is told to stop.
  void stop_reading(H2Stream& stream);
  // The handler is gone: see that the stream ends, and drop what still comes.
  void handler_returned(H2Stream& stream);

  void ping(std::uint64_t number);
  void announce_shutdown();  // server: the first of the two GOAWAYs
  void goaway();             // the final GOAWAY, without error

  bool settings_received() const { return settings_received_; }
  std::uint32_t peer_max_streams() const;
  bool peer_allows_connect_protocol() const;
  bool goaway_received() const { return goaway_received_; }
  bool goaway_sent() const { return goaway_sent_; }
  // The error that we told the peer in a GOAWAY, if any.
  const std::optional<Error>& protocol_error() const { return protocol_error_; }
  std::size_t open_streams() const { return streams_.size(); }

  void set_round_trip(Duration floor) { round_trip_ = floor; }
  // True once after every 128 KiB that readers took: then a round trip is worth measuring.
  bool take_round_trip_wish();

 private:
  friend struct H2Callbacks;
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  // The error of a client's frame that nghttp2 would ignore; NGHTTP2_NO_ERROR when it is fine.
  std::uint32_t broken_by(const nghttp2_frame_hd& head) const;
  H2StreamRef add_stream(std::int32_t id);
  void close_stream(H2Stream& stream, std::uint32_t code);
  void remove_stream(H2Stream& stream);
  void fail_stream(H2Stream& stream, Error failure);
  Error closing_error(std::uint32_t code) const;
  void drop_output(H2Stream& stream);
  void headers_complete(H2Stream& stream, bool end);
  void deliver_request(H2Stream& stream);
  void end_received(H2Stream& stream);
  H2Stream* find_unsent(std::int32_t id);

  H2Session::Role role_;
  H2Options options_;
  io::Executor& executor_;
  H2Listener& listener_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::vector<H2StreamRef> streams_;

  bool scarce_ = false;                 // as the peer was told last
  std::vector<std::uint32_t> windows_;  // initial windows that the peer has not acknowledged yet
  std::int64_t window_change_ = 0;      // of every stream, since the last acknowledgement
  H2PastStreams past_;                  // server role

  std::byte* gather_out_ = nullptr;
  std::size_t gather_room_ = 0;
  std::size_t gathered_ = 0;

  std::uint64_t output_gathered_ = 0;
  std::uint64_t output_taken_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t taken_by_readers_ = 0;
  Duration round_trip_{};
  bool settings_received_ = false;
  bool goaway_received_ = false;
  bool goaway_sent_ = false;
  bool ids_exhausted_ = false;
  bool abandoned_ = false;
  std::optional<Error> protocol_error_;
};

}  // namespace roadstead::http
