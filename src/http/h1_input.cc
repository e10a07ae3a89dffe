// SPDX-License-Identifier: Apache-2.0
#include "http/h1_input.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace roadstead::http {
namespace {

constexpr std::size_t kScratch = 64 * 1024;

std::span<std::byte> scratch() {
  thread_local std::array<std::byte, kScratch> buffer;
  return buffer;
}

Error cancelled() { return {ErrorKind::Cancelled, "the connection was closed"}; }

}  // namespace

H1Input::H1Input(net::Stream& stream, std::size_t read_ahead, Mode mode)
    : stream_(stream),
      read_ahead_(read_ahead),
      mode_(mode),
      arrived_(stream.executor()),
      space_(stream.executor()) {}

void H1Input::consume(std::size_t bytes) {
  used_ += bytes;
  if (used_ == buffer_.size()) {
    std::string().swap(buffer_);
    used_ = 0;
  }
  space_.pulse();
}

std::string H1Input::take_all() {
  std::string out = std::exchange(buffer_, {});
  out.erase(0, std::exchange(used_, 0));
  space_.pulse();
  return out;
}

H1Input::Read H1Input::read_now() {
  const std::size_t held = buffer_.size() - used_;
  const std::size_t room = std::min(kScratch, read_ahead_ - std::min(held, read_ahead_));
  if (room == 0) {
    return Read::Nothing;
  }
  const std::span<std::byte> into = scratch().first(room);
  const net::IoOutcome outcome = stream_.try_read(into);
  switch (outcome.status) {
    case net::IoStatus::Done:
      buffer_.erase(0, std::exchange(used_, 0));
      buffer_.append(reinterpret_cast<const char*>(into.data()), outcome.bytes);
      return Read::Some;
    case net::IoStatus::WouldBlock:
      return Read::Nothing;
    case net::IoStatus::EndOfStream:
      finish(std::nullopt);
      return Read::Over;
    case net::IoStatus::Failed:
      break;
  }
  finish(stream_.last_error());
  return Read::Over;
}

void H1Input::finish(std::optional<Error> error) {
  if (ended()) {
    return;
  }
  error_ = std::move(error);
  ended_ = !error_.has_value();
  arrived_.pulse();
}

io::Task<Result<bool>> H1Input::more() {
  const std::size_t before = buffered().size();
  interrupted_ = false;
  while (!closed_) {
    if (std::exchange(interrupted_, false)) {
      co_return cancelled();
    }
    if (buffered().size() > before) {
      co_return true;
    }
    if (error_.has_value()) {
      co_return *error_;
    }
    if (ended_) {
      co_return false;
    }
    if (mode_ == Mode::Pumped) {
      co_await arrived_.wait_next();
    } else if (before >= read_ahead_) {
      co_return Error(ErrorKind::PayloadTooLarge, "too much was sent ahead");
    } else if (read_now() == Read::Nothing) {
      const Result<void> ready = co_await stream_.readable();
      if (!ready.ok()) {
        finish(ready.error());
      }
    }
  }
  co_return cancelled();
}

io::Task<void> H1Input::pump() {
  while (!closed_ && !ended()) {
    if (buffered().size() >= read_ahead_) {
      co_await space_.wait_next();
      continue;
    }
    const Read read = read_now();
    if (read == Read::Some) {
      arrived_.pulse();
    } else if (read == Read::Nothing) {
      Result<void> ready = co_await stream_.readable();
      if (!ready.ok()) {
        finish(std::move(ready).error());
      }
    }
  }
  if (!closed_ && on_end_) {
    on_end_(error_.has_value() ? &*error_ : nullptr);
  }
}

bool H1Input::quiet() {
  return !closed_ && !ended() && buffered().empty() && read_now() == Read::Nothing;
}

void H1Input::interrupt() {
  interrupted_ = true;
  arrived_.pulse();
}

void H1Input::close() {
  closed_ = true;
  arrived_.pulse();
  space_.pulse();
}

io::Task<Result<std::string>> read_body(H1Input& input, H1Body& body) {
  while (!body.ended()) {
    const std::string_view buffered = input.buffered();
    if (buffered.empty()) {
      CO_TRY(const bool more, co_await input.more());
      if (!more) {
        CO_TRY_VOID(body.end_of_input());
      }
    } else if (body.passes_whole(buffered.size())) {
      body.pass(buffered.size());
      co_return input.take_all();
    } else {
      std::string out;
      CO_TRY(const std::size_t used, body.decode(buffered, out, kScratch));
      input.consume(used);
      if (!out.empty()) {
        co_return out;
      }
    }
  }
  co_return std::string();
}

io::Task<Result<std::string>> read_raw(H1Input& input) {
  while (input.buffered().empty()) {
    CO_TRY(const bool more, co_await input.more());
    if (!more) {
      co_return std::string();
    }
  }
  co_return input.take_all();
}

}  // namespace roadstead::http
