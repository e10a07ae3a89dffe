// SPDX-License-Identifier: Apache-2.0
// Serves one accepted connection with the protocol its ALPN chose ("h2", otherwise HTTP/1.1).
#pragma once

#include <memory>

#include "http/h1_connection.h"
#include "http/h2_session.h"
#include "http/message.h"

namespace roadstead::http {

struct ServerOptions {
  H1Limits h1;
  H2Options h2;
};

class ServerConnection {
 public:
  static std::unique_ptr<ServerConnection> create(net::StreamPtr stream, ServerOptions options,
                                                  Handler& handler);
  virtual ~ServerConnection() = default;
  virtual io::Task<void> run() = 0;
  virtual void drain() = 0;
  virtual void close() = 0;
};

}  // namespace roadstead::http
