// SPDX-License-Identifier: Apache-2.0
// The state of one HTTP/2 stream, shared by the session (as long as nghttp2 knows the stream) and
// by the exchange that the user holds; the last of the two frees it. Lives on the session's shard,
// so the count is not atomic.
#pragma once

#include <coroutine>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/block_pool.h"
#include "base/check.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "http/h2_buffer.h"
#include "http/h2_window.h"
#include "http/message.h"
#include "io/executor.h"

namespace roadstead::http {

class H2Core;

// One coroutine's wait; woken through the executor's queue, never inside wake(). A waiter that was
// woken looks at its condition again.
class WaitSlot {
 public:
  auto wait() {
    struct Awaiter {
      WaitSlot& slot;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> h) {
        CHECK(!slot.waiter_, "two coroutines wait for one direction of a stream");
        slot.waiter_ = h;
      }
      void await_resume() {}
    };
    return Awaiter{*this};
  }
  void wake(io::Executor& executor) {
    if (waiter_) {
      executor.resume_later(std::exchange(waiter_, nullptr));
    }
  }
  bool waiting() const { return static_cast<bool>(waiter_); }

 private:
  std::coroutine_handle<> waiter_;
};

struct H2Stream : Pooled {
  H2Stream(H2Core* owner, io::Executor& on, std::uint32_t window, std::uint32_t max_window,
           BufferBudget* budget)
      : core(owner), executor(on), received(budget), tuner(window, max_window, budget) {}

  H2Core* core;  // nullptr once the stream is closed: nothing more comes or goes
  io::Executor& executor;
  std::int32_t id = 0;
  std::size_t index = 0;  // in the core's table
  std::size_t references = 0;

  // Receiving in one role, sending in the other.
  RequestHead request;
  ResponseHead response;
  SharedRequestHead sent_request;  // client role: nghttp2 points into it until it is serialised

  // Receiving.
  Headers block;  // the header block that is arriving
  std::size_t block_bytes = 0;
  bool block_too_large = false;
  int block_status = 0;
  std::string block_cookie;  // RFC 9113 section 8.2.3: crumbs are joined
  Headers trailers;
  bool head_received = false;
  bool receive_ended = false;
  bool discard_received = false;  // nobody will read
  bool continue_wanted = false;   // "expect: 100-continue", not yet answered
  ReceiveQueue received;
  std::size_t uncredited = 0;  // given to the reader, who has not come back yet
  WindowTuner tuner;

  // Sending.
  SendQueue send;
  Headers send_trailers;
  bool head_submitted = false;
  bool finish_wanted = false;
  bool end_sent = false;
  bool no_body = false;   // HEAD, 204, 304: what is written is dropped
  bool deferred = false;  // nghttp2 waits for resume
  bool reset_after_end = false;
  bool reset_submitted = false;
  // Where in the session's output the request begins; "never" until it is serialised.
  std::uint64_t output_offset = std::numeric_limits<std::uint64_t>::max();

  std::optional<Error> failure;  // why the stream ended early
  bool not_processed = false;

  WaitSlot head_waiter;
  WaitSlot reader;
  WaitSlot writer;
  UniqueFunction<void()> on_abort;

  void post_abort();
  void wake_all() {
    head_waiter.wake(executor);
    reader.wake(executor);
    writer.wake(executor);
  }
};

class H2StreamRef {
 public:
  H2StreamRef() = default;
  explicit H2StreamRef(H2Stream* stream) : stream_(stream) { ++stream_->references; }
  H2StreamRef(const H2StreamRef& other) : stream_(other.stream_) {
    if (stream_ != nullptr) {
      ++stream_->references;
    }
  }
  H2StreamRef(H2StreamRef&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  H2StreamRef& operator=(H2StreamRef other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~H2StreamRef() {
    if (stream_ != nullptr && --stream_->references == 0) {
      delete stream_;
    }
  }
  H2Stream* operator->() const { return stream_; }
  H2Stream& operator*() const { return *stream_; }
  H2Stream* get() const { return stream_; }
  explicit operator bool() const { return stream_ != nullptr; }

 private:
  H2Stream* stream_ = nullptr;
};

inline void H2Stream::post_abort() {
  executor.post([ref = H2StreamRef(this)] {
    if (const auto callback = std::exchange(ref->on_abort, nullptr)) {
      callback();
    }
  });
}

}  // namespace roadstead::http
