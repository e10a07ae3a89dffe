// SPDX-License-Identifier: Apache-2.0
#include "http/h1_exchange.h"

#include <algorithm>
#include <utility>

#include "http/h1_writer.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMaxDrained = 256 * 1024;

Error invalid(std::string_view why) { return {ErrorKind::InvalidArgument, std::string(why)}; }
Error cancelled() { return {ErrorKind::Cancelled, "the client has gone"}; }

}  // namespace

void H1Wire::close() const {
  input.close();
  output.close();
  stream.close();
}

H1Exchange::H1Exchange(const H1Wire& wire, H1Request request)
    : wire_(wire),
      request_(std::move(request)),
      body_(request_.framing),
      awaits_continue_(request_.expect_continue) {}

io::Task<Result<std::string>> H1Exchange::read() {
  if (aborted_ || reading_stopped_) {
    co_return cancelled();
  }
  if (upgraded()) {
    co_return co_await read_raw(wire_.input);
  }
  if (awaits_continue_ && !responded_) {
    awaits_continue_ = false;
    if (wire_.input.buffered().empty()) {
      wire_.output.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
  }
  co_return co_await read_body(wire_.input, body_);
}

io::Task<Result<void>> H1Exchange::respond(ResponseHead head, bool end) {
  if (aborted_) {
    co_return cancelled();
  }
  if (responded_) {
    co_return invalid("the request was answered before");
  }
  // Waits for the response before this one when requests are pipelined.
  CO_TRY_VOID(co_await wire_.output.room(0));
  co_return head.status == 101 ? begin_upgrade(head) : begin(head, end);
}

Result<void> H1Exchange::begin_upgrade(const ResponseHead& head) {
  if (!request_.upgrade || !body_.ended()) {
    return invalid("101 answers a request that did not ask for an upgrade");
  }
  if (!head.headers.has("upgrade")) {
    return invalid("101 needs an upgrade field");
  }
  std::string text;
  H1Writing writing;
  writing.upgrade = true;
  TRY_VOID(append_response_head(text, head, writing));
  wire_.output.append(text);
  responded_ = true;
  close_ = true;
  mode_ = Mode::Raw;
  return {};
}

Result<void> H1Exchange::begin(const ResponseHead& head, bool end) {
  if (head.status < 200 || head.status > 599) {
    return invalid("the status cannot be sent as a response");
  }
  H1Writing writing;
  if (const std::string* length = head.headers.find("content-length")) {
    writing.length = parse_content_length(*length);
    if (!writing.length.has_value() || head.headers.count("content-length") > 1) {
      return invalid("content-length is not one plain number");
    }
  }
  const bool to_head = request_.head.method == "HEAD";
  const bool bodiless = to_head || head.status == 204 || head.status == 304;
  if (head.status == 204) {
    writing.length.reset();
  } else if (!bodiless && end) {
    if (writing.length.value_or(0) != 0) {
      return invalid("content-length promises a body that does not come");
    }
    writing.length = 0;
  }
  Mode mode = Mode::None;
  if (!bodiless && !end) {
    mode = writing.length.has_value() ? Mode::Length : Mode::Chunked;
    writing.kind = mode == Mode::Length ? BodyKind::Length : BodyKind::Chunked;
  }
  // After a refused upgrade nothing more is read from this connection: whoever asked may already
  // have sent bytes of the other protocol. Nor can it be known whether a body follows that was to
  // wait for 100 Continue.
  writing.close = !request_.keep_alive || request_.upgrade || wire_.draining ||
                  (awaits_continue_ && !body_.ended());
  std::string text;
  TRY_VOID(append_response_head(text, head, writing));
  wire_.output.append(text);
  responded_ = true;
  close_ = writing.close;
  mode_ = mode;
  left_ = writing.length.value_or(0);
  finished_ = end;
  return {};
}

Result<void> H1Exchange::check_piece(std::size_t bytes) {
  if (aborted_) {
    return cancelled();
  }
  if (!responded_ || finished_) {
    return invalid("a body was written before the response's head or after its end");
  }
  if (mode_ == Mode::None && request_.head.method != "HEAD" && bytes > 0) {
    return invalid("this response has no body");
  }
  if (mode_ == Mode::Length && bytes > left_) {
    return invalid("the body is longer than its content-length");
  }
  return {};
}

io::Task<Result<void>> H1Exchange::write(std::string_view bytes) {
  CO_TRY_VOID(check_piece(bytes.size()));
  if (mode_ == Mode::None) {
    co_return Result<void>();
  }
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    const Result<void> room = co_await wire_.output.room(piece.size());
    if (aborted_) {
      co_return cancelled();
    }
    CO_TRY_VOID(room);
    if (mode_ == Mode::Chunked) {
      std::string head;
      append_chunk_head(head, piece.size());
      wire_.output.append(head);
      wire_.output.append(piece);
      wire_.output.append("\r\n");
    } else {
      wire_.output.append(piece);
      left_ -= mode_ == Mode::Length ? piece.size() : 0;
    }
  }
  co_return Result<void>();
}

io::Task<Result<void>> H1Exchange::finish(Headers trailers) {
  CO_TRY_VOID(check_piece(0));
  if (mode_ == Mode::Length && left_ > 0) {
    co_return invalid("the body is shorter than its content-length");
  }
  if (mode_ == Mode::Chunked) {
    CO_TRY_VOID(check_trailers(trailers));
    std::string text;
    append_last_chunk(text, trailers);
    wire_.output.append(text);
  }
  finished_ = true;
  if (upgraded()) {
    CO_TRY_VOID(co_await wire_.output.flush());
    co_return co_await wire_.stream.shutdown_write();
  }
  co_return Result<void>();
}

void H1Exchange::stop_reading() {
  reading_stopped_ = true;
  wire_.input.interrupt();
}

void H1Exchange::on_abort(UniqueFunction<void()> callback) {
  on_abort_ = callback ? std::make_shared<UniqueFunction<void()>>(std::move(callback)) : nullptr;
  if (aborted_) {
    tell_handler();
  }
}

void H1Exchange::tell_handler() {
  if (on_abort_ != nullptr) {
    executor().post([callback = std::weak_ptr(on_abort_)] {
      if (const auto call = callback.lock()) {
        (*call)();
      }
    });
  }
}

void H1Exchange::peer_ended(const Error* error) {
  // The end of an upgraded connection's input is a half-close. Before the answer to an upgrade it
  // may become one.
  const bool half_close = error == nullptr && request_.upgrade && (upgraded() || !responded_);
  if (!half_close && !(finished_ && !upgraded())) {
    abort();
  }
}

void H1Exchange::abort() {
  if (!aborted_) {
    aborted_ = true;
    wire_.close();
    if (!finished_ || upgraded()) {
      tell_handler();
    }
  }
}

void H1Exchange::reset() {
  on_abort_ = nullptr;
  abort();
}

io::Task<bool> H1Exchange::drain_body() {
  std::size_t dropped = 0;
  while (!aborted_ && !body_.ended()) {
    const Result<std::string> bytes = co_await read_body(wire_.input, body_);
    if (!bytes.ok()) {
      co_return false;
    }
    dropped += bytes->size();
    if (dropped > kMaxDrained) {
      co_return false;
    }
  }
  co_return !aborted_;
}

}  // namespace roadstead::http
