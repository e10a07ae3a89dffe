// SPDX-License-Identifier: Apache-2.0
// One call of AWS-LC with the system calls around it. Internal to net/. See tls_stream_impl.h.
#pragma once

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/release.h"
#include "net/tls_stream_impl.h"

namespace roadstead::net {

inline constexpr std::size_t kBatchBytes = 64 * 1024;
inline constexpr std::size_t kRecordBytes = 16 * 1024;
inline constexpr std::size_t kRecordOverhead =
    512;  // header, tag, and small records beside the data

// One for each thread; in use only inside one call of AWS-LC, which never suspends.
struct ThreadBuffers {
  std::array<char, kBatchBytes> in;
  std::string out;
};
inline ThreadBuffers& thread_buffers() {
  thread_local const auto buffers = std::make_unique<ThreadBuffers>();
  return *buffers;
}

// Surrounds every call of AWS-LC that may read or write.
class TlsStream::Batch {
 public:
  explicit Batch(TlsStream& stream, std::size_t receive_limit = kRecordBytes)
      : stream_(stream),
        buffers_(thread_buffers()),
        receive_limit_(std::min(receive_limit, kBatchBytes)) {
    CHECK(stream_.batch_ == nullptr, "TLS was entered twice");
    stream_.batch_ = this;
    buffers_.out.clear();
    ERR_clear_error();
  }

  ~Batch() {
    stream_.batch_ = nullptr;
    if (!window_.empty()) {
      stream_.undecrypted_.assign(window_);
    }
    stream_.send_from(buffers_.out);
  }

  // After the first data, records that are here already are still taken, but the socket is not
  // asked again.
  void stop_receiving() { may_receive_ = false; }

  // -1: nothing now, 0: end of stream or failure.
  int read(std::span<char> out) {
    if (window_.empty() && !stream_.undecrypted_.empty()) {
      CHECK(stream_.undecrypted_.size() <= buffers_.in.size(), "too much is kept undecrypted");
      std::memcpy(buffers_.in.data(), stream_.undecrypted_.data(), stream_.undecrypted_.size());
      window_ = {buffers_.in.data(), stream_.undecrypted_.size()};
      release(stream_.undecrypted_);
    }
    if (window_.empty()) {
      if (!may_receive_) {
        return -1;
      }
      const int received = receive();
      if (received <= 0) {
        return received;
      }
    }
    const std::size_t n = std::min(out.size(), window_.size());
    std::memcpy(out.data(), window_.data(), n);
    window_.remove_prefix(n);
    return static_cast<int>(n);
  }

  // The socket gave less than it was asked for: nothing is left in it.
  bool emptied() const { return emptied_; }

  void write(std::string_view bytes) { buffers_.out.append(bytes); }

 private:
  int receive() {
    if (stream_.watcher_.take_drained()) {
      return -1;
    }
    ssize_t n = -1;
    do {
      n = ::recv(stream_.socket_.fd(), buffers_.in.data(), receive_limit_, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
      stream_.watcher_.blocked_read();
      return -1;
    }
    if (n <= 0) {
      stream_.ended_ = n == 0;
      stream_.io_error_ = n < 0 ? errno : stream_.io_error_;
      return 0;
    }
    emptied_ = static_cast<std::size_t>(n) < receive_limit_;
    window_ = {buffers_.in.data(), static_cast<std::size_t>(n)};
    return static_cast<int>(n);
  }

  TlsStream& stream_;
  ThreadBuffers& buffers_;
  std::size_t receive_limit_;
  bool may_receive_ = true;
  bool emptied_ = false;
  std::string_view window_;  // of buffers_.in
};

}  // namespace roadstead::net
