// SPDX-License-Identifier: Apache-2.0
// The TLS stream. Internal to net/.
//
// AWS-LC reads and writes through a BIO that ends in buffers of the thread, so that one system call
// carries several records, and so that an idle stream owns no buffer. Ciphertext stays with the
// stream in two cases only: received but not yet decrypted because the caller's buffer is full
// (`undecrypted_`), and encrypted but refused by the socket (`unsent_`).
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/fd_watcher.h"
#include "io/shard.h"
#include "net/client_hello.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/tls_context_impl.h"
#include "net/unsent_limit.h"

namespace roadstead::net {

class TlsStream final : public Stream, public TlsSession {
 public:
  TlsStream(io::Shard& shard, Socket socket);
  ~TlsStream() override;

  // Before the handshake.
  io::Task<Result<void>> read_hello(ClientHello& hello);
  Result<void> become_server(std::shared_ptr<TlsServerContextImpl> context, std::string name);
  Result<void> become_client(std::shared_ptr<TlsClientContextImpl> context, std::string name);
  io::Task<Result<void>> handshake();
  // Bytes outside TLS, for a peer that cannot be served; best effort.
  void send_plain(std::string_view bytes);

  // For the callbacks of the contexts.
  static TlsStream* of(SSL* ssl) { return static_cast<TlsStream*>(SSL_get_app_data(ssl)); }
  bool verify_peer(std::uint8_t& alert);
  const TicketKeys& ticket_keys() const { return *server_->tickets; }  // where there are any
  void remember_session(bssl::UniquePtr<SSL_SESSION> session);

  // Stream
  io::Executor& executor() override { return shard_; }
  IoOutcome try_read(std::span<std::byte> into) override;
  IoOutcome try_write(std::span<const std::byte> from) override;
  const Error& last_error() const override { return error_; }
  io::Task<Result<void>> readable() override;
  io::Task<Result<void>> writable() override;
  io::Task<Result<void>> shutdown_write() override;
  void close() override;
  void limit_unacknowledged(Duration limit) override;
  void limit_unsent(UnsentBounds bounds) override;
  TlsSession* tls() override { return this; }
  const std::string& peer_address() const override { return socket_.peer_address(); }

  // TlsSession
  const std::string& alpn() const override { return alpn_; }
  const std::string& server_name() const override { return server_name_; }
  const std::vector<std::string>& peer_chain() const override;
  bool resumed() const override;
  std::string protocol() const override;
  Result<std::array<std::byte, 32>> export_keying_material(std::string_view label) override;

 private:
  class Batch;

  static int bio_read(BIO* bio, char* out, int length);
  static int bio_write(BIO* bio, const char* in, int length);
  static const BIO_METHOD* bio_method();

  Result<void> attach(SSL_CTX* context);
  io::Task<Result<void>> handshake_steps();
  Error handshake_error();
  Result<void> verify_resumed_client();
  bool flush();  // sends what is left in unsent_; false when blocked or failed
  io::Task<Result<void>> flush_all();
  void send_from(std::string_view bytes);
  IoOutcome write_blocked_or_failed();
  IoOutcome fail(Error error);
  Error closed_error() const;

  io::Shard& shard_;
  Socket socket_;
  io::FdWatcher watcher_;
  bssl::UniquePtr<SSL> ssl_;
  std::shared_ptr<TlsServerContextImpl> server_;
  std::shared_ptr<TlsClientContextImpl> client_;
  std::string server_name_;
  std::string alpn_;
  mutable std::vector<std::string> peer_chain_;  // made when asked for

  UnsentLimit unsent_limit_;
  Batch* batch_ = nullptr;  // while AWS-LC runs
  std::string undecrypted_;
  std::string unsent_;
  std::size_t unsent_plain_ = 0;  // bytes of the caller's that unsent_ holds and has not reported
  int io_error_ = 0;              // errno of the socket once it failed
  bool ended_ = false;            // the peer's FIN was seen
  std::optional<Error> verify_error_;  // set by the callback, taken by the handshake
  Error error_{ErrorKind::Internal, "no error"};
};

}  // namespace roadstead::net
