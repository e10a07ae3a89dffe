// SPDX-License-Identifier: Apache-2.0
#include "http/h2_exchange.h"

#include <string>
#include <utility>

namespace roadstead::http {
namespace {

// Smaller writes are copied so that the writer need not wait; larger ones are borrowed, which
// saves the copy.
constexpr std::size_t kBorrowFrom = 16 * 1024;

}  // namespace

io::Task<Result<std::string>> H2Body::read() {
  H2Stream& stream = *stream_;
  if (stream.uncredited > 0) {
    const std::size_t taken = std::exchange(stream.uncredited, 0);
    if (stream.core != nullptr) {
      stream.core->credit(stream, taken);
    }
  }
  if (stream.continue_wanted && stream.core != nullptr && !stream.head_submitted) {
    stream.core->answer_expectation(stream);
  }
  while (stream.received.empty()) {
    if (stream.discard_received && !stream.failure.has_value()) {
      co_return Error(ErrorKind::Cancelled, "reading was stopped");
    }
    if (stream.receive_ended) {
      co_return std::string();
    }
    if (stream.failure.has_value()) {
      co_return *stream.failure;
    }
    co_await stream.reader.wait();
  }
  std::string piece = stream.received.take();
  stream.uncredited = piece.size();
  co_return piece;
}

Result<void> H2Body::writable() const {
  const H2Stream& stream = *stream_;
  if (stream.failure.has_value()) {
    return *stream.failure;
  }
  if (!stream.head_submitted || stream.finish_wanted || stream.core == nullptr) {
    return Error(ErrorKind::Internal, "body bytes before the head or after the end");
  }
  return {};
}

io::Task<Result<void>> H2Body::write(std::string_view bytes) {
  H2Stream& stream = *stream_;
  if (bytes.empty() || stream.no_body) {
    co_return Result<void>();
  }
  CO_TRY_VOID(writable());
  if (bytes.size() < kBorrowFrom && stream.send.copied() + bytes.size() <= send_buffer_) {
    stream.send.copy(bytes);
    stream.core->send_more(stream, bytes.size());
    co_return Result<void>();
  }
  stream.send.borrow(bytes);
  stream.core->send_more(stream, bytes.size());
  while (stream.send.borrowing()) {
    co_await stream.writer.wait();
  }
  if (stream.failure.has_value()) {
    co_return *stream.failure;
  }
  co_return Result<void>();
}

Result<void> H2Body::finish(Headers trailers) {
  H2Stream& stream = *stream_;
  if (stream.no_body) {
    return {};
  }
  TRY_VOID(writable());
  stream.finish_wanted = true;
  stream.send_trailers = std::move(trailers);
  stream.core->send_more(stream, 0);
  return {};
}

H2ServerExchange::~H2ServerExchange() {
  H2Stream& stream = body_.stream();
  stream.on_abort = nullptr;
  if (stream.core != nullptr) {
    stream.core->handler_returned(stream);
  }
}

RequestHead H2ServerExchange::take_request() {
  RequestHead& own = body_.stream().request;
  RequestHead head = std::move(own);
  own = {};
  own.method = head.method;  // whether the response has a body
  return head;
}

bool H2ServerExchange::request_ended() const {
  return body_.stream().receive_ended && body_.stream().received.empty();
}

io::Task<Result<void>> H2ServerExchange::respond(ResponseHead head, bool end) {
  H2Stream& stream = body_.stream();
  if (stream.failure.has_value()) {
    co_return *stream.failure;
  }
  if (stream.head_submitted || stream.core == nullptr) {
    co_return Error(ErrorKind::Internal, "a second response to one request");
  }
  co_return stream.core->respond(stream, std::move(head), end);
}

void H2ServerExchange::stop_reading() {
  H2Stream& stream = body_.stream();
  if (stream.core != nullptr) {
    stream.core->stop_reading(stream);
  }
  stream.discard_received = true;
  stream.received.clear();
  stream.reader.wake(stream.executor);
}

void H2ServerExchange::on_abort(UniqueFunction<void()> callback) {
  H2Stream& stream = body_.stream();
  stream.on_abort = std::move(callback);
  if (stream.failure.has_value() && !stream.end_sent) {
    stream.post_abort();
  }
}

void H2ServerExchange::reset() {
  if (H2Core* core = body_.stream().core) {
    core->reset(body_.stream(), NGHTTP2_CANCEL);
  }
}

io::Task<Result<void>> H2ServerExchange::finish(Headers trailers) {
  co_return body_.finish(std::move(trailers));
}

io::Task<Result<ResponseHead>> H2ClientExchange::response() {
  H2Stream& stream = body_.stream();
  while (!stream.head_received) {
    if (stream.failure.has_value()) {
      co_return *stream.failure;
    }
    co_await stream.head_waiter.wait();
  }
  co_return std::move(stream.response);
}

void H2ClientExchange::reset() {
  if (H2Core* core = body_.stream().core) {
    core->reset(body_.stream(), NGHTTP2_CANCEL);
  }
}

io::Task<Result<void>> H2ClientExchange::finish(Headers trailers) {
  co_return body_.finish(std::move(trailers));
}

}  // namespace roadstead::http
