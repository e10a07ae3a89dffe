// SPDX-License-Identifier: Apache-2.0
// The message model that both HTTP versions share. The sides of an exchange are pull-style: the
// reader asks for the next bytes, the writer waits until the next hop took them, so back-pressure
// needs no callbacks. An upgrade (HTTP/1.1 101) and an extended CONNECT (RFC 8441) are exchanges
// whose bodies are raw bytes in both directions.
// Everything here lives on the shard of its connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_function.h"
#include "http/headers.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

struct RequestHead {
  std::string method;
  std::string scheme = "https";
  std::string authority;  // Host
  std::string target;     // path and query, byte for byte as received
  std::string protocol;   // ":protocol" of an extended CONNECT, else ""
  Headers headers;        // without host and pseudo fields; hop-by-hop fields of HTTP/1 included
  bool http2 = false;     // how it arrived
};

// A head that is being sent while its maker still wants it.
using SharedRequestHead = std::shared_ptr<const RequestHead>;

struct ResponseHead {
  int status = 0;
  Headers headers;
};

class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next bytes, at most 64 KiB; waits for some; "" is the end. Asking again says that the
  // bytes given before have been taken by the next hop: only then is flow-control credit returned.
  virtual io::Task<Result<std::string>> read() = 0;
  // Valid after the end was read.
  virtual const Headers& trailers() const = 0;
};

class BodySink {
 public:
  virtual ~BodySink() = default;
  // Returns when the bytes are on their way or in the bounded send buffer (64 KiB a stream).
  virtual io::Task<Result<void>> write(std::string_view bytes) = 0;
  // Ends this direction (END_STREAM, last chunk, or half-close of an upgraded connection).
  virtual io::Task<Result<void>> finish(Headers trailers = {}) = 0;
};

// State that a handler keeps for a connection (the principal of a client certificate).
class ConnectionState {
 public:
  virtual ~ConnectionState() = default;
};

struct Connection {
  net::TlsSession* tls = nullptr;  // nullptr on plain streams (tests)
  std::string peer_address;
  std::unique_ptr<ConnectionState> state;  // belongs to the handler
};

// The server's side of one request. Source: the request's body. Sink: the response's body.
// Owned by the connection; valid until the handler's task ends.
class ServerExchange : public BodySource, public BodySink {
 public:
  virtual const RequestHead& request() const = 0;
  // The head for a handler that builds another one of it: moved out where that is possible, and
  // then request() has nothing but the method left.
  virtual RequestHead take_request() { return request(); }
  virtual Connection& connection() = 0;
  virtual io::Executor& executor() = 0;

  // True when the request's body is known to be empty.
  virtual bool request_ended() const = 0;
  // Once. With `end`, the response has no body. Status 101 (HTTP/1.1) or 200 to an extended CONNECT
  // switches both directions to raw bytes.
  virtual io::Task<Result<void>> respond(ResponseHead head, bool end = false) = 0;
  virtual bool responded() const = 0;

  // Ends the request's direction early (the response is complete and nobody needs the rest): a
  // pending read and all later ones fail with Cancelled; what the client still sends is discarded
  // within the connection's limits. reset() implies it.
  virtual void stop_reading() = 0;

  // Called at most once when the client went away or reset the stream before the response ended.
  // Pending reads and writes fail with Cancelled by themselves. From the executor's queue, never
  // inside another call; nullptr takes the callback back, after which it is not called any more.
  virtual void on_abort(UniqueFunction<void()> callback) = 0;
  // Ends the exchange abruptly: RST_STREAM, or closes the HTTP/1 connection.
  virtual void reset() = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // A handler that returns without having responded gives 500; without having finished, a reset.
  virtual io::Task<void> handle(ServerExchange& exchange) = 0;
};

// The client's side of one request. Sink: the request's body. Source: the response's body.
// Dropping it before the end resets the stream (or closes the HTTP/1 connection).
class ClientExchange : public BodySource, public BodySink {
 public:
  // Waits for the final response head; interim 1xx other than 101 are skipped. Once.
  virtual io::Task<Result<ResponseHead>> response() = 0;
  // After a failure: the peer is known not to have processed the request (REFUSED_STREAM, a
  // GOAWAY below the stream's id, or the connection broke before a byte was sent), so that any
  // method may be sent again elsewhere. RFC 9113 section 8.7.
  virtual bool not_processed() const = 0;
  // RST_STREAM, or closes the HTTP/1 connection. Pending calls end with Cancelled.
  virtual void reset() = 0;
};

using ClientExchangePtr = std::unique_ptr<ClientExchange>;

}  // namespace roadstead::http
