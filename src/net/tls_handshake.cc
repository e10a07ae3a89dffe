// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "io/sleep.h"
#include "net/address.h"
#include "net/tls_batch.h"
#include "net/tls_error.h"
#include "net/tls_stream.h"
#include "net/tls_stream_impl.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostHelloBytes = 16 * 1024;

// TLS record of a fatal alert unrecognized_name (RFC 8446 section 6, RFC 6066 section 3).
constexpr std::string_view kUnrecognizedName("\x15\x03\x03\x00\x02\x02\x70", 7);
constexpr std::string_view kHttpAnswer =
    "HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
    "This port speaks HTTPS: the address must begin with https://\n";

bool looks_like_http(std::string_view bytes) {
  for (const std::string_view method :
       {"GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS ", "CONNECT ", "PRI * "}) {
    if (bytes.starts_with(method)) {
      return true;
    }
  }
  return false;
}

std::string duration_text(Duration d) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  return ms >= 1000 ? std::to_string((ms + 500) / 1000) + " s" : std::to_string(ms) + " ms";
}

// Runs `step`, which waits on `stream`, until the deadline.
io::Task<Result<void>> until(io::Shard& shard, TlsStream& stream, Deadline deadline,
                             io::Task<Result<void>> step) {
  const MonotonicTime start = shard.clock().now();
  io::DeadlineGuard guard(shard, deadline, [&stream] { stream.close(); });
  Result<void> result = co_await std::move(step);
  if (!result.ok() && guard.expired()) {
    co_return Error(ErrorKind::DeadlineExceeded, "TLS handshake with " + stream.peer_address() +
                                                     ": not complete within " +
                                                     duration_text(deadline.time() - start));
  }
  co_return result;
}

io::Task<Result<void>> accept_steps(TlsStream& stream, const ServerContextSelector& selector) {
  ClientHello hello;
  CO_TRY_VOID(co_await stream.read_hello(hello));
  auto context =
      std::static_pointer_cast<TlsServerContextImpl>(selector(hello.server_name, hello.alpn));
  if (context == nullptr) {
    stream.send_plain(kUnrecognizedName);
    co_return Error(ErrorKind::Tls, "TLS handshake with " + stream.peer_address() +
                                        ": the host name \"" + hello.server_name +
                                        "\" is not served here");
  }
  CO_TRY_VOID(stream.become_server(std::move(context), std::move(hello.server_name)));
  co_return co_await stream.handshake();
}

}  // namespace

io::Task<Result<StreamPtr>> tls_accept(io::Shard& shard, Socket socket,
                                       ServerContextSelector selector, Deadline deadline) {
  auto stream = std::make_unique<TlsStream>(shard, std::move(socket));
  CO_TRY_VOID(co_await until(shard, *stream, deadline, accept_steps(*stream, selector)));
  co_return StreamPtr(std::move(stream));
}

io::Task<Result<StreamPtr>> tls_connect(io::Shard& shard, Socket socket,
                                        std::shared_ptr<TlsClientContext> context,
                                        std::string server_name, Deadline deadline) {
  auto stream = std::make_unique<TlsStream>(shard, std::move(socket));
  CO_TRY_VOID(stream->become_client(
      std::static_pointer_cast<TlsClientContextImpl>(std::move(context)), std::move(server_name)));
  CO_TRY_VOID(co_await until(shard, *stream, deadline, stream->handshake()));
  co_return StreamPtr(std::move(stream));
}

io::Task<Result<void>> TlsStream::read_hello(ClientHello& hello) {
  const std::string during = "TLS handshake with " + peer_address();
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
    if (n > 0) {
      undecrypted_.append(buffer.data(), static_cast<std::size_t>(n));
      Result<HelloState> state = parse_client_hello(std::as_bytes(std::span(undecrypted_)), hello);
      if (!state.ok()) {
        const bool http = looks_like_http(undecrypted_);
        send_plain(http ? kHttpAnswer : std::string_view());
        co_return Error(
            ErrorKind::Protocol,
            during + ": " + (http ? "the client speaks plain HTTP" : state.error().message()));
      }
      if (*state == HelloState::Complete) {
        co_return Result<void>();
      }
      if (undecrypted_.size() >= kMostHelloBytes) {
        co_return Error(ErrorKind::Protocol, during + ": the ClientHello is too long");
      }
    } else if (n == 0) {
      co_return Error(ErrorKind::EndOfStream, during + ": closed before it began");
    } else if (errno == EAGAIN) {
      watcher_.blocked_read();
      CO_TRY_VOID(co_await watcher_.readable());
    } else if (errno != EINTR) {
      co_return Error(ErrorKind::Network, during + ": " + errno_text(errno));
    }
  }
}

void TlsStream::send_plain(std::string_view bytes) {
  send_from(bytes);
  ::shutdown(socket_.fd(), SHUT_WR);
}

Result<void> TlsStream::become_server(std::shared_ptr<TlsServerContextImpl> context,
                                      std::string name) {
  server_ = std::move(context);
  server_name_ = std::move(name);
  TRY_VOID(attach(server_->ssl.get()));
  SSL_set_accept_state(ssl_.get());
  return {};
}

Result<void> TlsStream::become_client(std::shared_ptr<TlsClientContextImpl> context,
                                      std::string name) {
  client_ = std::move(context);
  server_name_ = std::move(name);
  if (server_name_.empty()) {
    return Error(ErrorKind::InvalidArgument, "TLS needs the server's name to verify it");
  }
  TRY_VOID(attach(client_->ssl.get()));
  SSL_set_connect_state(ssl_.get());
  if (!is_ip_address(server_name_) &&
      SSL_set_tlsext_host_name(ssl_.get(), server_name_.c_str()) != 1) {
    ERR_clear_error();
    return Error(ErrorKind::InvalidArgument,
                 "server name \"" + server_name_ + "\" is not a host name");
  }
  if (const bssl::UniquePtr<SSL_SESSION> session = client_->sessions.take(server_name_)) {
    SSL_set_session(ssl_.get(), session.get());
  }
  return {};
}

// The error of the failed handshake step that left `result` and the error queue.
Error TlsStream::handshake_error() {
  const std::string during = "TLS handshake with " + peer_address();
  if (verify_error_.has_value()) {
    ERR_clear_error();
    Error error = std::move(*verify_error_);
    verify_error_.reset();
    return std::move(error).with_context(during);
  }
  if (ended_ && !is_alert_of_peer()) {
    ERR_clear_error();
    return {ErrorKind::EndOfStream, during + ": the other side closed the connection"};
  }
  return take_tls_error(during, io_error_);
}

io::Task<Result<void>> TlsStream::handshake() {
  Result<void> result = co_await handshake_steps();
  if (!result.ok() && !watcher_.closed()) {
    // Read what is there: unread input would turn our alert into a reset.
    ::shutdown(socket_.fd(), SHUT_WR);
    std::array<char, 4096> rest;
    while (::recv(socket_.fd(), rest.data(), rest.size(), 0) > 0) {
    }
  }
  co_return result;
}

io::Task<Result<void>> TlsStream::handshake_steps() {
  for (;;) {
    int n = 0;
    int status = SSL_ERROR_NONE;
    {
      Batch batch(*this);
      n = SSL_do_handshake(ssl_.get());
      status = SSL_get_error(ssl_.get(), n);
    }
    std::optional<Error> failure;
    if (n != 1 && status != SSL_ERROR_WANT_READ) {
      failure = handshake_error();
    } else if (n == 1) {
      Result<void> verified = verify_resumed_client();
      if (!verified.ok()) {
        failure = std::move(verified).error();
      }
    }
    Result<void> flushed = co_await flush_all();
    if (failure.has_value()) {
      co_return std::move(*failure);
    }
    if (!flushed.ok()) {
      co_return std::move(flushed);
    }
    if (n == 1) {
      break;
    }
    CO_TRY_VOID(co_await watcher_.readable());
  }
  const std::uint8_t* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &length);
  alpn_.assign(reinterpret_cast<const char*>(protocol), length);
  co_return Result<void>();
}

bool TlsStream::verify_peer(std::uint8_t& alert) {
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl_.get());
  const WallTime now = shard_.clock().wall();
  Result<void> result;
  if (resumed()) {
    // The full handshake verified it, for this name and against these roots: a session is neither
    // offered nor taken where they are others. Only the time has changed.
    result =
        ChainVerifier::verify_dates(chain, client_ != nullptr ? "server" : "client", now, alert);
  } else {
    result = client_ != nullptr ? client_->roots->verify_server(chain, server_name_, now, alert)
                                : server_->client_roots->verify_client(chain, now, alert);
  }
  if (!result.ok()) {
    verify_error_ = std::move(result).error();
    return false;
  }
  return true;
}

// A ticket may be older than the client's certificate: AWS-LC does not look again.
Result<void> TlsStream::verify_resumed_client() {
  std::uint8_t alert = 0;
  if (server_ == nullptr || server_->client_roots == nullptr || !resumed() || verify_peer(alert)) {
    return {};
  }
  {
    Batch batch(*this);
    SSL_send_fatal_alert(ssl_.get(), alert);
  }
  return handshake_error();
}

void TlsStream::remember_session(bssl::UniquePtr<SSL_SESSION> session) {
  client_->sessions.put(server_name_, std::move(session));
}

}  // namespace roadstead::net
