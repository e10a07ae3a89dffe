// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "net/address.h"
#include "net/tls_batch.h"
#include "net/tls_error.h"
#include "net/tls_stream_impl.h"

namespace roadstead::net {
TlsStream::TlsStream(io::Shard& shard, Socket socket)
    : shard_(shard), socket_(std::move(socket)), watcher_(shard, socket_.fd()) {}

TlsStream::~TlsStream() { TlsStream::close(); }

const BIO_METHOD* TlsStream::bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "roadstead");
    CHECK(made != nullptr, "out of memory");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return made;
  }();
  return method;
}

int TlsStream::bio_read(BIO* bio, char* out, int length) {
  auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  CHECK(stream->batch_ != nullptr, "TLS reads outside a batch");
  const int n = stream->batch_->read({out, static_cast<std::size_t>(length)});
  if (n < 0) {
    BIO_set_retry_read(bio);
  }
  return n;
}

int TlsStream::bio_write(BIO* bio, const char* in, int length) {
  auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
  CHECK(stream->batch_ != nullptr, "TLS writes outside a batch");
  stream->batch_->write({in, static_cast<std::size_t>(length)});
  return length;
}

Result<void> TlsStream::attach(SSL_CTX* context) {
  ssl_.reset(SSL_new(context));
  BIO* bio = BIO_new(bio_method());
  if (!ssl_ || bio == nullptr) {
    BIO_free(bio);
    return Error(ErrorKind::Internal, "TLS: out of memory");
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_shed_handshake_config(ssl_.get(), 1);
  return {};
}

IoOutcome TlsStream::try_read(std::span<std::byte> into) {
  CHECK(!into.empty(), "a read needs room");
  if (watcher_.closed()) {
    return fail(closed_error());
  }
  std::size_t total = 0;
  int n = 1;
  int status = SSL_ERROR_NONE;
  {
    Batch batch(*this, into.size() + kRecordOverhead);
    while (total < into.size()) {
      const auto room = std::min<std::size_t>(into.size() - total, kBatchBytes);
      n = SSL_read(ssl_.get(), into.data() + total, static_cast<int>(room));
      if (n <= 0) {
        status = SSL_get_error(ssl_.get(), n);
        break;
      }
      total += static_cast<std::size_t>(n);
      batch.stop_receiving();
    }
    if (total > 0 && batch.emptied()) {
      watcher_.drained_read();
    }
  }
  // What ended the loop after some data comes again with the next call.
  if (total > 0) {
    ERR_clear_error();
    return {IoStatus::Done, total};
  }
  if (status == SSL_ERROR_WANT_READ) {
    return {IoStatus::WouldBlock, 0};
  }
  if (status == SSL_ERROR_ZERO_RETURN) {
    return {IoStatus::EndOfStream, 0};
  }
  return fail(take_tls_error("read from " + peer_address(), io_error_));
}

IoOutcome TlsStream::try_write(std::span<const std::byte> from) {
  if (watcher_.closed()) {
    return fail(closed_error());
  }
  if (!flush()) {
    return write_blocked_or_failed();
  }
  if (unsent_plain_ > 0) {
    CHECK(from.size() >= unsent_plain_,
          "a write that met WouldBlock must be tried again with the same bytes");
    return {IoStatus::Done, std::exchange(unsent_plain_, 0)};
  }
  std::size_t total = 0;
  {
    Batch batch(*this, 0);
    batch.stop_receiving();
    const std::size_t most = std::min(from.size(), kBatchBytes);
    while (total < most) {
      const auto room = std::min(most - total, kRecordBytes);
      const int n = SSL_write(ssl_.get(), from.data() + total, static_cast<int>(room));
      if (n <= 0) {
        return fail(take_tls_error("write to " + peer_address(), io_error_));
      }
      total += static_cast<std::size_t>(n);
    }
  }
  if (io_error_ != 0 || !unsent_.empty()) {
    unsent_plain_ = total;
    return write_blocked_or_failed();
  }
  return {IoStatus::Done, total};
}

// A server that refuses a TLS 1.3 client certificate does so after the client's handshake has
// ended: its alert waits to be read while our write meets a closed connection.
IoOutcome TlsStream::write_blocked_or_failed() {
  if (io_error_ == 0) {
    return {IoStatus::WouldBlock, 0};
  }
  if (io_error_ == EPIPE || io_error_ == ECONNRESET) {
    watcher_.take_drained();
    Batch batch(*this, kRecordBytes + kRecordOverhead);
    std::byte ignored;
    if (SSL_peek(ssl_.get(), &ignored, 1) <= 0 && is_alert_of_peer()) {
      error_ = take_tls_error("write to " + peer_address(), 0);
    }
    ERR_clear_error();
  }
  return {IoStatus::Failed, 0};
}

void TlsStream::send_from(std::string_view bytes) {
  if (!unsent_.empty()) {
    unsent_.append(bytes);  // behind what already waits
    return;
  }
  std::size_t sent = 0;
  while (sent < bytes.size() && io_error_ == 0) {
    const ssize_t n = ::send(socket_.fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      unsent_limit_.refused(socket_.fd());
      watcher_.blocked_write();
      break;
    } else if (errno != EINTR) {
      io_error_ = errno;
      error_ = Error(ErrorKind::Network, "write to " + peer_address() + ": " + errno_text(errno));
    }
  }
  bytes.remove_prefix(sent);
  unsent_.append(bytes);
}

bool TlsStream::flush() {
  if (!unsent_.empty()) {
    const std::string pending = std::exchange(unsent_, std::string());
    send_from(pending);
  }
  return unsent_.empty() && io_error_ == 0;
}

io::Task<Result<void>> TlsStream::flush_all() {
  while (!flush()) {
    if (io_error_ != 0) {
      co_return error_;
    }
    CO_TRY_VOID(co_await watcher_.writable());
  }
  co_return Result<void>();
}

io::Task<Result<void>> TlsStream::readable() {
  if (!watcher_.closed() && (!undecrypted_.empty() || SSL_pending(ssl_.get()) > 0)) {
    co_return Result<void>();
  }
  co_return co_await watcher_.readable();
}

io::Task<Result<void>> TlsStream::writable() { co_return co_await watcher_.writable(); }

io::Task<Result<void>> TlsStream::shutdown_write() {
  if (watcher_.closed()) {
    co_return closed_error();
  }
  CO_TRY_VOID(co_await flush_all());
  {
    Batch batch(*this, 0);
    batch.stop_receiving();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  CO_TRY_VOID(co_await flush_all());
  if (::shutdown(socket_.fd(), SHUT_WR) != 0) {
    co_return Error(ErrorKind::Network,
                    "end the connection to " + peer_address() + ": " + errno_text(errno));
  }
  co_return Result<void>();
}

void TlsStream::close() {
  watcher_.close();
  const std::string peer = socket_.peer_address();
  socket_ = Socket(-1, peer);
}

void TlsStream::limit_unacknowledged(Duration limit) {
  set_unacknowledged_limit(socket_.fd(), limit);
}

void TlsStream::limit_unsent(UnsentBounds bounds) { unsent_limit_.follow(socket_.fd(), bounds); }

IoOutcome TlsStream::fail(Error error) {
  error_ = std::move(error);
  return {IoStatus::Failed, 0};
}

Error TlsStream::closed_error() const {
  return {ErrorKind::Cancelled, "connection was closed here"};
}

}  // namespace roadstead::net
