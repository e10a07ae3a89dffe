// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <utility>

namespace roadstead::http {
namespace {

class Http1Connection final : public ServerConnection {
 public:
  Http1Connection(net::StreamPtr stream, H1Limits limits, Handler& handler)
      : server_(H1Server::create(std::move(stream), limits, handler)) {}
  io::Task<void> run() override { return server_->run(); }
  void drain() override { server_->drain(); }
  void close() override { server_->close(); }

 private:
  std::unique_ptr<H1Server> server_;
};

class Http2Connection final : public ServerConnection {
 public:
  Http2Connection(net::StreamPtr stream, H2Options options, Handler& handler)
      : session_(H2Session::create(std::move(stream), H2Session::Role::Server, options, &handler)) {
  }
  io::Task<void> run() override {
    // How a client's connection ended concerns nobody here; its exchanges know.
    static_cast<void>(co_await session_->run());
  }
  void drain() override { session_->drain(); }
  void close() override { session_->close(); }

 private:
  std::unique_ptr<H2Session> session_;
};

}  // namespace

std::unique_ptr<ServerConnection> ServerConnection::create(net::StreamPtr stream,
                                                           ServerOptions options,
                                                           Handler& handler) {
  const net::TlsSession* tls = stream->tls();
  if (tls != nullptr && tls->alpn() == "h2") {
    return std::make_unique<Http2Connection>(std::move(stream), options.h2, handler);
  }
  return std::make_unique<Http1Connection>(std::move(stream), options.h1, handler);
}

}  // namespace roadstead::http
