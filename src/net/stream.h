// SPDX-License-Identifier: Apache-2.0
// A byte stream in both directions: TCP, TLS or an in-memory pipe. Reads and writes never block and
// never suspend; who meets WouldBlock awaits readiness. So an idle connection holds no buffer, and
// one coroutine may read while another writes. At most one waiter for each direction.
// Lives on one shard; owned by the protocol session above it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::net {

// What TLS knows about the peer once the handshake is done.
class TlsSession {
 public:
  virtual ~TlsSession() = default;
  virtual const std::string& alpn() const = 0;         // "" when none was negotiated
  virtual const std::string& server_name() const = 0;  // SNI; "" when none was sent
  // DER, leaf first; empty when the peer sent none. Present on resumed sessions too.
  virtual const std::vector<std::string>& peer_chain() const = 0;
  virtual bool resumed() const = 0;
  virtual std::string protocol() const = 0;  // "TLSv1.3"
  // RFC 8446 section 7.5: the same 32 bytes at both ends, different for every connection.
  virtual Result<std::array<std::byte, 32>> export_keying_material(std::string_view label) = 0;
};

// In bytes; see Stream::limit_unsent.
struct UnsentBounds {
  std::size_t least = 0;
  std::size_t most = 0;
};

enum class IoStatus : unsigned char { Done, WouldBlock, EndOfStream, Failed };

struct IoOutcome {
  IoStatus status = IoStatus::Done;
  std::size_t bytes = 0;  // > 0 when Done
};

class Stream {
 public:
  virtual ~Stream() = default;

  virtual io::Executor& executor() = 0;

  // Done: 1..into.size() bytes. EndOfStream: the peer ended its side. Failed: see last_error().
  virtual IoOutcome try_read(std::span<std::byte> into) = 0;
  // Done: some bytes were taken, perhaps not all. After WouldBlock the next call must begin with
  // the same bytes and be at least as long: TLS has already encrypted them.
  virtual IoOutcome try_write(std::span<const std::byte> from) = 0;
  virtual const Error& last_error() const = 0;

  // Cancelled after close().
  virtual io::Task<Result<void>> readable() = 0;
  virtual io::Task<Result<void>> writable() = 0;

  // Ends our side; reading goes on. For TLS: close_notify, then FIN.
  virtual io::Task<Result<void>> shutdown_write() = 0;
  // At once and abortively; idempotent; every pending wait ends with Cancelled.
  virtual void close() = 0;

  // Fails the connection when the peer acknowledges nothing for this long, or keeps its window shut
  // that long (TCP_USER_TIMEOUT). Only for protocols whose peer always reads, such as a tunnel
  // lane: it would cut a user who pauses `kubectl logs`. No effect on a Pipe.
  virtual void limit_unacknowledged(Duration) {}
  // The kernel takes no more while so much waits in it that was not sent yet; how much within the
  // bounds, the path says (net/unsent_limit.h). For connections that carry many streams: what is
  // written next waits behind no more than that. No effect on a Pipe.
  virtual void limit_unsent(UnsentBounds) {}

  virtual TlsSession* tls() { return nullptr; }
  // "192.0.2.1:443"; "pipe" for a Pipe. With PROXY protocol: the address it told.
  virtual const std::string& peer_address() const = 0;

  // Conveniences over the primitives.
  io::Task<Result<std::size_t>> read_some(std::span<std::byte> into);  // 0 at end of stream
  io::Task<Result<void>> write_all(std::span<const std::byte> from);
  io::Task<Result<void>> write_all(std::string_view text);
};

using StreamPtr = std::unique_ptr<Stream>;

}  // namespace roadstead::net
