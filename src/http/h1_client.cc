// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "http/h1_body.h"
#include "http/h1_connection.h"
#include "http/h1_input.h"
#include "http/h1_writer.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kPiece = 64 * 1024;
constexpr int kMaxInterim = 10;

Error invalid(std::string_view why) { return {ErrorKind::InvalidArgument, std::string(why)}; }
Error protocol(std::string_view why) { return {ErrorKind::Protocol, std::string(why)}; }

// What outlives one exchange: the connection, and whether it may be used again.
struct Channel {
  Channel(net::StreamPtr s, H1Limits l)
      : stream(std::move(s)),
        limits(l),
        input(*stream, std::max(kBuffer, l.max_head_bytes), H1Input::Mode::OnDemand) {}

  void close() {
    closed = true;
    input.close();
    stream->close();
  }
  // Counts what the stream took in `sent`.
  io::Task<Result<void>> write(std::string_view text, std::size_t& sent);

  net::StreamPtr stream;
  H1Limits limits;
  H1Input input;
  bool busy = false;
  bool closed = false;
  bool spent = false;  // no further request
};

io::Task<Result<void>> Channel::write(std::string_view text, std::size_t& sent) {
  while (sent < text.size()) {
    const net::IoOutcome outcome = stream->try_write(std::as_bytes(std::span(text.substr(sent))));
    if (outcome.status == net::IoStatus::Done) {
      sent += outcome.bytes;
    } else if (outcome.status == net::IoStatus::WouldBlock) {
      CO_TRY_VOID(co_await stream->writable());
    } else {
      co_return stream->last_error();
    }
  }
  co_return Result<void>();
}

class Exchange final : public ClientExchange {
 public:
  Exchange(Channel& channel, const H1Writing& writing, bool to_head, bool end)
      : channel_(channel),
        request_kind_(writing.kind),
        left_(writing.length.value_or(0)),
        upgrade_(writing.upgrade),
        to_head_(to_head),
        request_ended_(end || writing.upgrade) {
    channel_.busy = true;
  }
  ~Exchange() override { release(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  io::Task<Result<ResponseHead>> response() override;
  io::Task<Result<std::string>> read() override;
  const Headers& trailers() const override { return body_.trailers(); }
  io::Task<Result<void>> write(std::string_view bytes) override;
  io::Task<Result<void>> finish(Headers trailers) override;
  // A request that could not be sent at all makes open() fail; after that nobody knows.
  bool not_processed() const override { return false; }
  void reset() override { channel_.close(); }

 private:
  io::Task<Result<H1Response>> read_head();
  Result<ResponseHead> accept(H1Response response);
  void release();

  Channel& channel_;
  BodyKind request_kind_;
  std::uint64_t left_;
  bool upgrade_;
  bool to_head_;
  bool request_ended_;
  bool responded_ = false;
  bool raw_ = false;
  bool raw_finished_ = false;
  H1Body body_;
};

void Exchange::release() {
  const bool clean = request_ended_ && responded_ && !raw_ && body_.ended();
  if (!clean || channel_.spent) {
    channel_.close();
  }
  channel_.busy = false;
}

io::Task<Result<ResponseHead>> Exchange::response() {
  if (responded_) {
    co_return invalid("the response was taken before");
  }
  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    Result<H1Response> response = co_await read_head();
    if (!response.ok()) {
      channel_.spent = true;
      co_return std::move(response).error();
    }
    if (response->head.status >= 200 || response->head.status == 101) {
      co_return accept(std::move(response).value());
    }
  }
  channel_.spent = true;
  co_return protocol("the server sent too many interim responses");
}

io::Task<Result<H1Response>> Exchange::read_head() {
  H1Input& input = channel_.input;
  H1HeadScanner scanner(channel_.limits.max_head_bytes);
  io::Timer timer(channel_.stream->executor());
  bool expired = false;
  for (;;) {
    switch (scanner.scan(input.buffered())) {
      case H1HeadScanner::State::BareLf:
        co_return protocol("a line of the response's head ends without CR");
      case H1HeadScanner::State::TooLarge:
        co_return protocol("the head of the response is too large");
      case H1HeadScanner::State::Complete: {
        H1Response response;
        const std::string_view head = input.buffered().substr(0, scanner.head_bytes());
        if (const auto reject = parse_response(head, to_head_, response)) {
          co_return protocol(reject->why).with_context("response");
        }
        input.consume(scanner.head_bytes());
        co_return response;
      }
      case H1HeadScanner::State::More:
        break;
    }
    if (!timer.armed() && !input.buffered().empty()) {
      timer.arm(channel_.limits.head_timeout, [this, &expired] {
        expired = true;
        channel_.close();
      });
    }
    const Result<bool> more = co_await input.more();
    if (expired) {
      co_return Error(ErrorKind::DeadlineExceeded, "the response's head did not arrive in time");
    }
    CO_TRY_VOID(more);
    if (!*more) {
      co_return Error(ErrorKind::EndOfStream, "the server closed the connection unanswered");
    }
  }
}

Result<ResponseHead> Exchange::accept(H1Response response) {
  responded_ = true;
  // An upgrade that was refused spends the connection too: nobody may send another request on one
  // that was meant for somebody's raw bytes.
  channel_.spent = channel_.spent || upgrade_ || !response.keep_alive;
  if (response.head.status != 101) {
    body_ = H1Body(response.framing);
    return std::move(response.head);
  }
  if (!upgrade_ || !response.head.headers.has("upgrade")) {
    channel_.spent = true;
    return protocol("the server switched protocols unasked or does not say to which");
  }
  raw_ = true;
  return std::move(response.head);
}

io::Task<Result<std::string>> Exchange::read() {
  if (!responded_) {
    co_return invalid("the body was read before the response's head");
  }
  co_return raw_ ? co_await read_raw(channel_.input) : co_await read_body(channel_.input, body_);
}

io::Task<Result<void>> Exchange::write(std::string_view bytes) {
  if (raw_ ? raw_finished_ : request_ended_) {
    co_return invalid("this side has ended or the connection was not upgraded");
  }
  std::size_t sent = 0;
  if (raw_) {
    co_return co_await channel_.write(bytes, sent);
  }
  if (request_kind_ == BodyKind::Length) {
    if (bytes.size() > left_) {
      co_return invalid("the body is longer than its content-length");
    }
    left_ -= bytes.size();
    co_return co_await channel_.write(bytes, sent);
  }
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    std::string text;
    text.reserve(piece.size() + 24);
    append_chunk_head(text, piece.size());
    text += piece;
    text += "\r\n";
    sent = 0;
    CO_TRY_VOID(co_await channel_.write(text, sent));
  }
  co_return Result<void>();
}

io::Task<Result<void>> Exchange::finish(Headers trailers) {
  if (raw_) {
    if (std::exchange(raw_finished_, true)) {
      co_return Result<void>();
    }
    co_return co_await channel_.stream->shutdown_write();
  }
  if (request_ended_) {
    co_return Result<void>();
  }
  if (request_kind_ == BodyKind::Length && left_ > 0) {
    co_return invalid("the body is shorter than its content-length");
  }
  if (request_kind_ == BodyKind::Chunked) {
    CO_TRY_VOID(check_trailers(trailers));
    std::string text;
    append_last_chunk(text, trailers);
    std::size_t sent = 0;
    CO_TRY_VOID(co_await channel_.write(text, sent));
  }
  request_ended_ = true;
  co_return Result<void>();
}

// How the request's body will be framed.
Result<H1Writing> plan(const RequestHead& head, bool end) {
  H1Writing writing;
  writing.upgrade = head.headers.has_token("connection", "upgrade") && head.headers.has("upgrade");
  if (const std::string* length = head.headers.find("content-length")) {
    writing.length = parse_content_length(*length);
    if (!writing.length.has_value() || head.headers.count("content-length") > 1) {
      return invalid("content-length is not one plain number");
    }
  }
  if (end || writing.upgrade) {
    if (writing.length.value_or(0) > 0) {
      return invalid("content-length promises a body that does not come");
    }
    // RFC 9110 section 8.6: methods that usually carry a body say that there is none.
    const std::string& method = head.method;
    if (method == "POST" || method == "PUT" || method == "PATCH") {
      writing.length = 0;
    }
    return writing;
  }
  writing.kind = writing.length.has_value() ? BodyKind::Length : BodyKind::Chunked;
  return writing;
}

class Client final : public H1Client {
 public:
  Client(net::StreamPtr stream, H1Limits limits) : channel_(std::move(stream), limits) {}

  io::Task<Result<ClientExchangePtr>> open(RequestHead head, bool end) override;
  bool reusable() const override {
    return !channel_.busy && !channel_.closed && !channel_.spent && channel_.input.quiet();
  }
  void close() override { channel_.close(); }

 private:
  // reusable() looks whether something has arrived, which may take bytes in.
  mutable Channel channel_;
};

io::Task<Result<ClientExchangePtr>> Client::open(RequestHead head, bool end) {
  if (channel_.busy) {
    co_return invalid("the connection is in use");
  }
  CO_TRY(const H1Writing writing, plan(head, end));
  std::string text;
  CO_TRY_VOID(append_request_head(text, head, writing));
  if (!reusable()) {
    channel_.close();
    co_return Error(ErrorKind::Unavailable, "the connection has ended");
  }
  auto exchange = std::make_unique<Exchange>(channel_, writing, head.method == "HEAD", end);
  std::size_t sent = 0;
  Result<void> written = co_await channel_.write(text, sent);
  if (!written.ok()) {
    channel_.close();
    Error error = std::move(written).error();
    co_return sent == 0 && error.kind() != ErrorKind::Cancelled
        ? std::move(error).with_kind(ErrorKind::Unavailable)
        : std::move(error);
  }
  co_return ClientExchangePtr(std::move(exchange));
}

}  // namespace

std::unique_ptr<H1Client> H1Client::create(net::StreamPtr stream, H1Limits limits) {
  return std::make_unique<Client>(std::move(stream), limits);
}

}  // namespace roadstead::http
