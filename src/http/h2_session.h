// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 connection (RFC 9113) over nghttp2, in either role; the role is independent of who
// dialled, which is what the reversed tunnel needs. `run()` owns reading and writing; exchanges are
// opened (client) or handed to the handler (server). Lives on the stream's shard. The owner keeps
// it alive until run() has returned; exchanges may outlive run() and then fail with Network.
//
// Flow control: connection credit is returned on receipt, stream credit when the reader has taken
// the bytes (BodySource::read). A stalled reader costs its stream window and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

class BufferBudget;  // h2_window.h

struct H2Options {
  std::uint32_t initial_stream_window = 256 * 1024;
  std::uint32_t max_stream_window = 64 * 1024 * 1024;  // grown to by measured bandwidth-delay
  // What all streams that share it may hold unread, growth of windows included; nullptr: no common
  // bound. Outlives the session and its exchanges.
  BufferBudget* buffer_budget = nullptr;
  std::uint32_t max_concurrent_streams = 250;  // what we allow the peer (server role)
  std::size_t max_header_bytes = 64 * 1024;    // a whole header block, either direction
  std::size_t send_buffer = 64 * 1024;         // for each stream
  bool enable_connect_protocol = false;        // RFC 8441, server role
  // Server role: RST_STREAM frames taken from the peer, burst and then per second. nghttp2's
  // default of 1,000 and 33/s would close a tunnel under ordinary Ctrl-C traffic.
  std::uint64_t reset_burst = 10'000;
  std::uint64_t reset_rate = 1'000;
  Duration ping_after = std::chrono::seconds(0);    // of silence; 0: no PING
  Duration ping_timeout = std::chrono::seconds(5);  // then the connection is dead
  Duration idle_timeout = Duration::zero();         // server role: no stream for so long; 0: never
  Duration settings_timeout = std::chrono::seconds(10);  // for the peer's preface and SETTINGS
};

class H2Session {
 public:
  enum class Role : unsigned char { Client, Server };

  // `handler` is required in the server role and outlives run().
  static std::unique_ptr<H2Session> create(net::StreamPtr stream, Role role, H2Options options,
                                           Handler* handler);
  virtual ~H2Session() = default;

  // Until the connection ends; then every open exchange has failed and every handler has returned.
  // ok() after an orderly end.
  virtual io::Task<Result<void>> run() = 0;

  // Client role. Fails with Unavailable when the connection is closing, TooManyRequests when the
  // peer's stream limit is reached; in both cases nothing was sent. With `end` there is no body.
  // The head must not change while somebody else holds it.
  virtual Result<ClientExchangePtr> open(SharedRequestHead head, bool end) = 0;
  Result<ClientExchangePtr> open(RequestHead head, bool end) {
    return open(std::make_shared<const RequestHead>(std::move(head)), end);
  }

  // The peer's SETTINGS have arrived; extended CONNECT is not used before.
  virtual bool settings_received() const = 0;
  virtual io::Task<Result<void>> wait_settings() = 0;
  virtual bool peer_allows_connect_protocol() const = 0;
  virtual std::uint32_t peer_max_concurrent_streams() const = 0;

  // Server role: two-step GOAWAY (RFC 9113 section 6.8), first announces, then after one round trip
  // refuses new streams. Client role: GOAWAY at once, so that the server knows that nothing more
  // comes. run() returns when the open streams have ended.
  virtual void drain() = 0;
  virtual bool draining() const = 0;  // either side said GOAWAY
  virtual void close() = 0;           // at once

  virtual std::size_t open_streams() const = 0;
  virtual std::size_t queued_bytes() const = 0;  // waiting to be sent, all streams
  virtual Duration round_trip() const = 0;       // last PING; zero before the first
  virtual MonotonicTime last_received() const = 0;
  // Sends a PING and waits for the answer; for liveness on demand.
  virtual io::Task<Result<Duration>> ping() = 0;

  virtual net::Stream& stream() = 0;
  virtual Connection& connection() = 0;
};

}  // namespace roadstead::http
