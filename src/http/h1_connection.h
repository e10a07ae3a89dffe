// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 (RFC 9112) on one stream, strict: refuses both framing fields together, repeated or
// signed lengths, bare LF, folded lines, space before the colon, transfer codings other than
// chunked, chunk extensions over 256 bytes. Lives on the stream's shard.
#pragma once

#include <memory>

#include "base/clock.h"
#include "http/message.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

struct H1Limits {
  std::size_t max_head_bytes = 64 * 1024;
  Duration head_timeout = std::chrono::seconds(30);   // from the first byte of a head to its end
  Duration idle_timeout = std::chrono::seconds(120);  // between requests
};

// Serves requests one after the other until the peer closes, an error, or `stop` is asked for.
// After 101 the exchange owns the connection until both directions have ended.
class H1Server {
 public:
  static std::unique_ptr<H1Server> create(net::StreamPtr stream, H1Limits limits, Handler& handler);
  virtual ~H1Server() = default;
  virtual io::Task<void> run() = 0;
  virtual void drain() = 0;  // "connection: close" on the next response, idle ones close now
  virtual void close() = 0;
  virtual Connection& connection() = 0;
};

// One connection to a server; one exchange at a time. Used fresh for every upgrade, and for servers
// without HTTP/2.
class H1Client {
 public:
  static std::unique_ptr<H1Client> create(net::StreamPtr stream, H1Limits limits);
  virtual ~H1Client() = default;
  // Writes the head; the body follows through the exchange: content-length when the head says so,
  // chunked otherwise, none with `end`. An upgrade is a head with `connection: upgrade`.
  // The exchange must not outlive the client. Unavailable: nothing of the request was sent, and it
  // may be sent on another connection.
  virtual io::Task<Result<ClientExchangePtr>> open(RequestHead head, bool end) = 0;
  // After the exchange has ended: may another request be sent?
  virtual bool reusable() const = 0;
  virtual void close() = 0;
};

}  // namespace roadstead::http
