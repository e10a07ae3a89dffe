// SPDX-License-Identifier: Apache-2.0
// What a server session does with bytes that a proper client would not send. Frames are written by
// hand (RFC 9113 section 4.1, RFC 7541 section 6.2.2).
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/h2_session.h"
#include "http/h2_test_support.h"

namespace roadstead::http {
namespace {

using io::Task;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum Type : unsigned char {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9
};
constexpr unsigned char kEndStream = 1;
constexpr unsigned char kEndHeaders = 4;

std::string frame(unsigned char type, unsigned char flags, std::uint32_t stream,
                  std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) {
    out.push_back(static_cast<char>(payload.size() >> shift));
  }
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) {
    out.push_back(static_cast<char>(stream >> shift));
  }
  return out.append(payload);
}

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

// Literals without indexing; names and values below 127 bytes.
std::string block(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out.push_back('\0');
    out.push_back(static_cast<char>(name.size()));
    out.append(name);
    out.push_back(static_cast<char>(value.size()));
    out.append(value);
  }
  return out;
}

std::string request(std::uint32_t stream, const Fields& more, unsigned char flags = kEndStream) {
  const Fields pseudo = {
      {":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a.test"}};
  return frame(kHeaders, flags | kEndHeaders, stream, block(pseudo) + block(more));
}

Task<void> answer_at_once(ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer(200), true));
}

Task<void> wait_for_end(ServerExchange& exchange) {
  static_cast<void>(co_await read_all(exchange));
  static_cast<void>(co_await exchange.respond(answer(200), true));
}

struct SeenFrame {
  unsigned char type;
  std::uint32_t stream;
  std::string payload;
};

class H2Wire : public testing::Test {
 protected:
  H2Wire() : H2Wire(H2Options(), answer_at_once) {}
  H2Wire(H2Options options, FunctionHandler::Function function)
      : handler_(std::move(function)), group_(loop_) {
    auto [near, far] = net::make_pipe(loop_, 1'000'000);
    far_ = std::move(far);
    session_ = H2Session::create(std::move(near), H2Session::Role::Server, options, &handler_);
    group_.spawn(run_session(session_.get(), &result_));
    send(std::string(kPreface) + frame(kSettings, 0, 0, ""));
  }
  ~H2Wire() override {
    session_->close();
    loop_.run_until_done(group_.join());
  }

  void send(std::string_view bytes) {
    loop_.run_until_done(send_all(bytes));
    loop_.run_ready_now();
  }
  Task<void> send_all(std::string_view bytes) {
    static_cast<void>(co_await far_->write_all(bytes));
  }

  // What the session has said so far.
  std::vector<SeenFrame> seen() {
    std::array<std::byte, 65536> buffer;
    for (;;) {
      const auto outcome = far_->try_read(buffer);
      if (outcome.status != net::IoStatus::Done) {
        break;
      }
      unparsed_.append(reinterpret_cast<const char*>(buffer.data()), outcome.bytes);
      loop_.run_ready_now();
    }
    const auto byte = [this](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(unparsed_[i]));
    };
    while (unparsed_.size() >= 9) {
      const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (unparsed_.size() < 9 + size) {
        break;
      }
      const std::uint32_t stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      frames_.push_back({static_cast<unsigned char>(byte(3)), stream, unparsed_.substr(9, size)});
      unparsed_.erase(0, 9 + size);
    }
    return frames_;
  }
  std::size_t count(unsigned char type, std::uint32_t stream) {
    std::size_t n = 0;
    for (const SeenFrame& f : seen()) {
      n += f.type == type && f.stream == stream ? 1U : 0U;
    }
    return n;
  }
  // The error code of the first RST_STREAM for the stream, or of the GOAWAY for stream 0.
  std::optional<int> code(unsigned char type, std::uint32_t stream) {
    for (const SeenFrame& f : seen()) {
      if (f.type == type && f.stream == stream) {
        return f.payload[type == kGoaway ? 7 : 3];
      }
    }
    return std::nullopt;
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  FunctionHandler handler_;
  net::StreamPtr far_;
  std::unique_ptr<H2Session> session_;
  std::optional<Result<void>> result_;
  io::TaskGroup group_;
  std::string unparsed_;
  std::vector<SeenFrame> frames_;
};

TEST_F(H2Wire, AProperRequestIsServed) {
  send(request(1, {{"accept", "*/*"}}));
  EXPECT_EQ(handler_.ended, 1);
  EXPECT_EQ(count(kHeaders, 1), 1U);
  EXPECT_EQ(count(kReset, 1), 0U);
}

TEST_F(H2Wire, HostMustAgreeWithAuthority) {
  send(request(1, {{"host", "A.test"}}));
  EXPECT_EQ(handler_.started, 1);
  send(request(3, {{"host", "b.test"}}));
  EXPECT_EQ(handler_.started, 1);
  EXPECT_EQ(code(kReset, 3), 1);  // PROTOCOL_ERROR
  send(request(5, {{"host", "a.test"}, {"host", "a.test"}}));
  EXPECT_EQ(handler_.started, 1);
  EXPECT_FALSE(result_.has_value());
}

TEST_F(H2Wire, MalformedFieldsResetTheStreamInsteadOfBeingSkipped) {
  const std::vector<Fields> malformed = {{{"X-Upper", "1"}},    {{"connection", "close"}},
                                         {{"te", "gzip"}},      {{"x-a", "1\r\nx-b: 2"}},
                                         {{"x y", "1"}},        {{":path", "/again"}},
                                         {{"x-a", " leading"}}, {{"transfer-encoding", "chunked"}}};
  std::uint32_t stream = 1;
  for (const Fields& fields : malformed) {
    send(request(stream, fields));
    EXPECT_TRUE(code(kReset, stream).has_value()) << stream;
    stream += 2;
  }
  EXPECT_EQ(handler_.started, 0);
  EXPECT_FALSE(result_.has_value());
  send(request(stream, {}));
  EXPECT_EQ(handler_.started, 1);
}

TEST_F(H2Wire, AStreamIdOfOurOwnClosesTheConnection) {
  send(request(2, {}));
  EXPECT_EQ(code(kGoaway, 0), 1);
  far_->close();
  loop_.run_ready_now();
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->error().kind(), ErrorKind::Protocol);
}

TEST_F(H2Wire, ContinuationsAreLimited) {
  send(frame(kHeaders, kEndStream, 1, block({{":method", "GET"}})));
  for (int i = 0; i < 20 && !result_.has_value(); ++i) {
    send(frame(kContinuation, 0, 1, block({{"x-a", "b"}})));
  }
  EXPECT_EQ(handler_.started, 0);
  loop_.run_for(std::chrono::seconds(2));
  EXPECT_TRUE(result_.has_value());
}

TEST_F(H2Wire, AHeaderFloodIsResetWithoutBeingKept) {
  // One large field enters the table, then each further octet repeats it.
  std::string bomb = block({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}});
  bomb += "\x40\x01x\x7f\xa1\x1e" + std::string(4'000, 'v');
  bomb += std::string(10'000, '\xbe');
  send(frame(kHeaders, kEndStream | kEndHeaders, 1, bomb));
  EXPECT_EQ(handler_.started, 0);
  EXPECT_EQ(count(kReset, 1), 1U);
  send(request(3, {}));
  EXPECT_EQ(handler_.started, 1);
}

TEST_F(H2Wire, APingFloodEndsTheConnection) {
  std::string flood;
  for (int i = 0; i < 3'000; ++i) {
    flood += frame(kPing, 0, 0, "12345678");
  }
  send(flood);
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->error().kind(), ErrorKind::Protocol);
}

TEST_F(H2Wire, HeadersAfterTheEndOfAStreamAreAnError) {
  send(request(1, {}));
  EXPECT_EQ(count(kHeaders, 1), 1U);
  send(frame(kWindowUpdate, 0, 1, std::string("\0\0\0\1", 4)) +
       frame(kReset, 0, 1, std::string("\0\0\0\0", 4)));
  EXPECT_FALSE(code(kGoaway, 0).has_value());
  send(frame(kData, 0, 1, "ignored by nghttp2"));
  EXPECT_FALSE(code(kGoaway, 0).has_value());
  send(request(1, {}));
  EXPECT_EQ(code(kGoaway, 0), 5);  // STREAM_CLOSED
  EXPECT_EQ(handler_.started, 1);
}

TEST_F(H2Wire, AStreamCannotBeOpenedLater) {
  send(request(5, {}));
  send(request(3, {}));
  EXPECT_EQ(code(kGoaway, 0), 1);  // PROTOCOL_ERROR
  EXPECT_EQ(handler_.started, 1);
}

TEST_F(H2Wire, HeadersNeedAStream) {
  send(request(0, {}));
  EXPECT_EQ(code(kGoaway, 0), 1);  // PROTOCOL_ERROR
}

TEST_F(H2Wire, PriorityNeedsAStream) {
  send(frame(kPriority, 0, 0, std::string("\0\0\0\1\1", 5)));
  EXPECT_EQ(code(kGoaway, 0), 1);
}

TEST_F(H2Wire, ContinuationsKeepToTheFrameSize) {
  send(frame(kHeaders, kEndStream, 1, block({{":method", "GET"}})) +
       frame(kContinuation, 0, 1, std::string(16385, '\x82')));
  EXPECT_EQ(code(kGoaway, 0), 6);  // FRAME_SIZE_ERROR
  EXPECT_EQ(handler_.started, 0);
}

TEST_F(H2Wire, NotHttp2) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  auto [near, far] = net::make_pipe(loop);
  auto session = H2Session::create(std::move(near), H2Session::Role::Server, {}, &handler_);
  std::optional<Result<void>> result;
  io::TaskGroup group(loop);
  group.spawn(run_session(session.get(), &result));
  const std::string_view text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(far->try_write(std::as_bytes(std::span(text))).bytes, text.size());
  loop.run_for(std::chrono::seconds(2));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().kind(), ErrorKind::Protocol);
}

class H2WireLimits : public H2Wire {
 protected:
  static H2Options limits() {
    H2Options options;
    options.max_concurrent_streams = 2;
    return options;
  }
  H2WireLimits() : H2Wire(limits(), wait_for_end) {}
};

TEST_F(H2WireLimits, StreamsBeyondTheLimitAreRefused) {
  send(request(1, {}, 0) + request(3, {}, 0) + request(5, {}, 0));
  EXPECT_EQ(handler_.started, 2);
  EXPECT_EQ(code(kReset, 5), 7);  // REFUSED_STREAM
  send(frame(kData, kEndStream, 5, "on its way before the refusal was seen"));
  send(frame(kData, kEndStream, 1, ""));
  send(request(7, {}, 0));
  EXPECT_EQ(handler_.started, 3);
}

TEST_F(H2WireLimits, ContentLengthMustMatch) {
  send(request(1, {{"content-length", "5"}}, 0));
  send(frame(kData, kEndStream, 1, "abc"));
  EXPECT_EQ(code(kReset, 1), 1);  // PROTOCOL_ERROR
  EXPECT_EQ(handler_.ended, 1);
}

// The peer opens and resets at once, so that nghttp2's count never rises; handlers must not pile
// up.
TEST_F(H2WireLimits, HandlersOfResetStreamsAreBounded) {
  std::string burst;
  for (std::uint32_t stream = 1; stream < 2'000; stream += 2) {
    burst += request(stream, {}, 0) + frame(kReset, 0, stream, std::string("\0\0\0\x08", 4));
  }
  send(burst);
  EXPECT_LE(handler_.started, 40);
  EXPECT_GT(handler_.started, 0);
  EXPECT_EQ(handler_.started, handler_.ended);
  EXPECT_FALSE(result_.has_value());
  EXPECT_EQ(session_->open_streams(), 0U);
}

}  // namespace
}  // namespace roadstead::http
