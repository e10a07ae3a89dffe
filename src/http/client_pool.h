// SPDX-License-Identifier: Apache-2.0
// Connections to one origin, for many requests. HTTP/2 where the server's ALPN chooses it, with
// requests that last (watches) on connections of their own; otherwise HTTP/1.1 connections that
// serve one request at a time and are kept. Lives on one shard, as all its exchanges.
//
// An exchange owns its share of a connection: it may be used until it is dropped, also while the
// pool is being closed (its calls then fail).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "http/h1_connection.h"
#include "http/h2_session.h"
#include "http/message.h"
#include "io/executor.h"
#include "io/task.h"
#include "net/stream.h"

namespace roadstead::http {

enum class RequestClass : unsigned char { Short, Watch };

struct ClientPoolOptions {
  H2Options h2;
  H1Limits h1;
  std::size_t streams_per_connection = 80;  // then another HTTP/2 connection is opened, if allowed
  std::size_t max_h2_connections = 8;       // of each class, draining ones not counted
  std::size_t max_draining = 8;             // beyond it the oldest is cut
  std::size_t max_h1_connections = 64;      // watches get at most three quarters
  std::size_t max_upgrades = 1000;
  std::size_t max_waiting = 1000;  // requests that wait for a connection
  Duration idle_timeout = std::chrono::seconds(90);
  Duration connect_timeout = std::chrono::seconds(10);  // of one dial, TLS included
};

struct ClientPoolStats {
  // Since the start.
  std::uint64_t dials = 0;
  std::uint64_t dial_failures = 0;
  std::uint64_t requests = 0;  // opened, upgrades included
  std::uint64_t retries = 0;   // a connection turned out dead before anything was sent on it
  std::uint64_t refused = 0;   // for a limit of ours or a deadline
  // Now.
  std::size_t h2_connections = 0;
  std::size_t h2_draining = 0;
  std::size_t h1_connections = 0;  // idle ones included, upgrades not
  std::size_t h1_idle = 0;
  std::size_t upgrades = 0;
  std::size_t waiting = 0;
};

class ClientPool {
 public:
  // Connects and, over TLS, verifies the server and offers these ALPN names in order. Without TLS
  // the connection speaks HTTP/1.1.
  using Dial = UniqueFunction<io::Task<Result<net::StreamPtr>>(std::vector<std::string> alpn,
                                                               Deadline deadline)>;

  static std::unique_ptr<ClientPool> create(io::Executor& executor, Dial dial,
                                            ClientPoolOptions options = {});
  virtual ~ClientPool() = default;

  // The exchange of a request whose head was taken by a connection. The deadline is for getting
  // there, not for the response. After a failure the server has at most an incomplete head, so the
  // request was not processed. Kinds: those of a failed dial; TooManyRequests (too many wait);
  // DeadlineExceeded; InvalidArgument (the head); Unavailable (closed, or one connection after the
  // other was dead).
  virtual io::Task<Result<ClientExchangePtr>> open(RequestHead head, bool end, RequestClass kind,
                                                   Deadline deadline) = 0;
  // Always on a fresh HTTP/1.1 connection that the exchange owns and that nobody uses after it.
  virtual io::Task<Result<ClientExchangePtr>> open_upgrade(RequestHead head, Deadline deadline) = 0;

  // Credentials or trust changed: requests from now on use new connections; old ones end when their
  // exchanges have ended. Upgrades are left alone.
  virtual void rotate() = 0;

  // Ends all connections at once and waits for what runs, dials included. Required before
  // destruction.
  virtual io::Task<void> close() = 0;

  virtual ClientPoolStats stats() const = 0;
};

}  // namespace roadstead::http
