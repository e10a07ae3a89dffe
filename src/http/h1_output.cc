// SPDX-License-Identifier: Apache-2.0
#include "http/h1_output.h"

#include <span>
#include <utility>

namespace roadstead::http {

H1Output::H1Output(net::Stream& stream, std::size_t limit)
    : stream_(stream), limit_(limit), filled_(stream.executor()), drained_(stream.executor()) {}

void H1Output::append(std::string_view bytes) {
  if (!closed_ && !error_.has_value()) {
    buffer_ += bytes;
    filled_.pulse();
  }
}

Result<void> H1Output::state() const {
  if (error_.has_value()) {
    return *error_;
  }
  if (closed_) {
    return Error(ErrorKind::Cancelled, "the connection was closed");
  }
  return {};
}

io::Task<Result<void>> H1Output::room(std::size_t bytes) {
  while (state().ok() && queued() > 0 && queued() + bytes > limit_) {
    co_await drained_.wait_next();
  }
  co_return state();
}

io::Task<Result<void>> H1Output::flush() {
  while (state().ok() && queued() > 0) {
    co_await drained_.wait_next();
  }
  co_return state();
}

io::Task<void> H1Output::pump() {
  while (!closed_ && !error_.has_value()) {
    if (queued() == 0) {
      std::string().swap(buffer_);
      sent_ = 0;
      drained_.pulse();
      co_await filled_.wait_next();
      continue;
    }
    const net::IoOutcome outcome =
        stream_.try_write(std::as_bytes(std::span(buffer_).subspan(sent_)));
    if (outcome.status == net::IoStatus::Done) {
      sent_ += outcome.bytes;
      // Bytes already sent are dropped when they are most of the buffer, so each moves once.
      if (sent_ * 2 >= buffer_.size()) {
        buffer_.erase(0, std::exchange(sent_, 0));
      }
      if (queued() < limit_) {
        drained_.pulse();
      }
    } else if (outcome.status == net::IoStatus::WouldBlock) {
      Result<void> ready = co_await stream_.writable();
      if (!ready.ok()) {
        error_ = std::move(ready).error();
      }
    } else {
      error_ = stream_.last_error();
    }
  }
  drained_.pulse();
  if (!closed_ && on_failure_) {
    on_failure_();
  }
}

void H1Output::close() {
  closed_ = true;
  filled_.pulse();
  drained_.pulse();
}

}  // namespace roadstead::http
