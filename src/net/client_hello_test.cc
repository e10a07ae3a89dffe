// SPDX-License-Identifier: Apache-2.0
#include "net/client_hello.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/net_test_support.h"

namespace roadstead::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string number(std::size_t value, int width) {
  std::string out;
  for (int i = width - 1; i >= 0; --i) {
    out += static_cast<char>(value >> (8 * i) & 0xff);
  }
  return out;
}
std::string prefixed(const std::string& text, int width) {
  return number(text.size(), width) + text;
}
std::string extension(std::size_t type, const std::string& data) {
  return number(type, 2) + prefixed(data, 2);
}
std::string server_name(const std::string& name) {
  return extension(0, prefixed(number(0, 1) + prefixed(name, 2), 2));
}
std::string alpn(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += prefixed(name, 1);
  }
  return extension(16, prefixed(list, 2));
}
std::string body(const std::string& extensions) {
  return number(0x0303, 2) + std::string(32, 'r') + prefixed(std::string(32, 's'), 1) +
         prefixed(number(0x1301, 2), 2) + prefixed(number(0, 1), 1) + prefixed(extensions, 2);
}
std::string message(const std::string& text) { return number(1, 1) + prefixed(text, 3); }
std::string record(const std::string& text) {
  return number(22, 1) + number(0x0301, 2) + prefixed(text, 2);
}
std::string hello(const std::string& extensions) { return record(message(body(extensions))); }

Result<HelloState> parse(const std::string& bytes, ClientHello& out) {
  return parse_client_hello(std::as_bytes(std::span(bytes)), out);
}

// What AWS-LC itself sends: two key shares, GREASE, several kilobytes.
std::string real_hello(const std::string& name) {
  bssl::UniquePtr<SSL_CTX> ctx(SSL_CTX_new(TLS_with_buffers_method()));
  SSL_CTX_set_grease_enabled(ctx.get(), 1);
  SSL_CTX_set1_groups_list(ctx.get(), "X25519MLKEM768:X25519");
  bssl::UniquePtr<SSL> ssl(SSL_new(ctx.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  const std::string protocols = "\x02h2\x08http/1.1";
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const std::uint8_t*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_do_handshake(ssl.get());
  const std::uint8_t* data = nullptr;
  std::size_t length = 0;
  BIO_mem_contents(out, &data, &length);
  return {reinterpret_cast<const char*>(data), length};
}

TEST(ClientHelloParser, ReadsARealOneAndNothingLess) {
  const std::string bytes = real_hello("Hub.Example");
  ASSERT_GT(bytes.size(), 1000u);
  ClientHello out;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const Result<HelloState> state = parse(bytes.substr(0, n), out);
    ASSERT_TRUE(state.ok()) << n;
    ASSERT_EQ(*state, HelloState::NeedMore) << n;
  }
  ASSERT_EQ(*parse(bytes, out), HelloState::Complete);
  EXPECT_EQ(out.server_name, "hub.example");
  EXPECT_THAT(out.alpn, ElementsAre("h2", "http/1.1"));
  EXPECT_EQ(*parse(bytes + "more", out), HelloState::Complete);
}

TEST(ClientHelloParser, ReadsItSpreadOverRecordsOfEverySize) {
  const std::string whole = message(body(server_name("a.example") + alpn({"h2"})));
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    std::string bytes;
    for (std::size_t at = 0; at < whole.size(); at += size) {
      bytes += record(whole.substr(at, size));
    }
    ClientHello out;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      ASSERT_EQ(*parse(bytes.substr(0, n), out), HelloState::NeedMore) << size << " " << n;
    }
    ASSERT_EQ(*parse(bytes, out), HelloState::Complete) << size;
    EXPECT_EQ(out.server_name, "a.example");
    EXPECT_THAT(out.alpn, ElementsAre("h2"));
  }
}

TEST(ClientHelloParser, NameAndProtocolsMayBeAbsent) {
  ClientHello out;
  ASSERT_EQ(*parse(hello(""), out), HelloState::Complete);
  EXPECT_EQ(out.server_name, "");
  EXPECT_THAT(out.alpn, IsEmpty());
  const std::string no_extensions = number(0x0303, 2) + std::string(32, 'r') + prefixed("", 1) +
                                    prefixed(number(0x1301, 2), 2) + prefixed(number(0, 1), 1);
  ASSERT_EQ(*parse(record(message(no_extensions)), out), HelloState::Complete);
}

TEST(ClientHelloParser, RefusesWhatIsNone) {
  std::string wrong_length = message(body(server_name("a.example")));
  wrong_length[3] = static_cast<char>(wrong_length[3] - 1);
  const std::vector<std::string> cases{
      "GET / HTTP/1.1\r\n\r\n",
      std::string("\x80\x2e\x01\x03\x01", 5),    // SSL 2
      std::string("\x16\x04\x01\x00\x05", 5),    // no TLS version
      std::string("\x16\x03\x01\x00\x00", 5),    // empty record
      std::string("\x16\x03\x01\x40\x01", 5),    // record above 16 KiB
      record(number(2, 1) + prefixed("x", 3)),   // ServerHello
      record(number(1, 1) + number(0x4001, 3)),  // message above 16 KiB
      record(wrong_length),
      record(message("")),
      record(message(body(server_name("a.example")) + "x")),  // bytes behind the extensions
      hello("\x01"),                                          // half an extension
      hello(number(0, 2) + number(9, 2)),                     // extension without its data
      hello(server_name("a.example") + server_name("b.example")),
      hello(alpn({"h2"}) + alpn({"h2"})),
      hello(server_name("")),
      hello(server_name("a.example.")),
      hello(server_name("a b")),
      hello(server_name("a/../b")),
      hello(server_name("a\r\nb")),
      hello(server_name(std::string("a\0b", 3))),
      hello(server_name(std::string(256, 'a'))),
      hello(extension(0, "")),
      hello(extension(0, prefixed("", 2))),
      hello(extension(0, prefixed(number(0, 1) + prefixed("a", 2), 2) + "x")),
      hello(extension(0, prefixed(number(0, 1) + prefixed("a", 2) + number(0, 1) + prefixed("b", 2),
                                  2))),  // two host names
      hello(extension(16, "")),
      hello(alpn({""})),
      hello(extension(16, prefixed(number(5, 1) + "h2", 2))),
      hello(alpn(std::vector<std::string>(33, "h2"))),
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ClientHello out;
    out.server_name = "untouched";
    const Result<HelloState> state = parse(cases[i], out);
    EXPECT_FALSE(state.ok()) << "case " << i;
    if (!state.ok()) {
      EXPECT_EQ(state.error().kind(), ErrorKind::Protocol);
    }
    EXPECT_EQ(out.server_name, "untouched") << "case " << i;
  }
}

TEST(ClientHelloParser, EndsAtSixteenKibibytes) {
  // One byte in each record: never complete within the limit.
  std::string bytes;
  const std::string whole = message(std::string(16'000, 'x'));
  for (const char c : whole) {
    bytes += record(std::string(1, c));
  }
  ClientHello out;
  EXPECT_EQ(*parse(bytes.substr(0, 16 * 1024 - 1), out), HelloState::NeedMore);
  EXPECT_FALSE(parse(bytes.substr(0, 16 * 1024), out).ok());
}

TEST(ClientHelloPeek, LeavesTheBytesInTheSocket) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto test_body = [](io::Shard& s) -> io::Task<void> {
    test::SocketPair sockets = co_await test::socket_pair(s);
    const std::string bytes = hello(server_name("a.example"));
    StreamPtr writer = make_tcp_stream(s, std::move(sockets.a));
    const auto write_slowly = [](Stream& stream, std::string text) -> io::Task<void> {
      for (const char c : text) {
        EXPECT_TRUE((co_await stream.write_all(std::string_view(&c, 1))).ok());
        co_await stream.executor().yield();
      }
    };
    io::TaskGroup group(s);
    group.spawn(write_slowly(*writer, bytes));
    const Result<ClientHello> seen = co_await peek_client_hello(s, sockets.b, test::soon(s));
    co_await group.join();
    EXPECT_TRUE(seen.ok() && seen->server_name == "a.example");
    StreamPtr reader = make_tcp_stream(s, std::move(sockets.b));
    std::string again(bytes.size(), '\0');
    const auto n = co_await reader->read_some(std::as_writable_bytes(std::span(again)));
    EXPECT_EQ(*n, bytes.size());
    EXPECT_EQ(again, bytes);
  };
  shard.run_until_done(test_body(shard));
}

TEST(ClientHelloPeek, AnEndAndSilenceAreTold) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto test_body = [](io::Shard& s) -> io::Task<void> {
    test::SocketPair ended = co_await test::socket_pair(s);
    StreamPtr writer = make_tcp_stream(s, std::move(ended.a));
    EXPECT_TRUE((co_await writer->write_all("\x16\x03")).ok());
    EXPECT_TRUE((co_await writer->shutdown_write()).ok());
    Result<ClientHello> seen = co_await peek_client_hello(s, ended.b, test::soon(s));
    EXPECT_EQ(seen.error().kind(), ErrorKind::EndOfStream);
    test::SocketPair silent = co_await test::socket_pair(s);
    seen = co_await peek_client_hello(s, silent.b,
                                      Deadline::after(s.clock(), std::chrono::milliseconds(20)));
    EXPECT_EQ(seen.error().kind(), ErrorKind::DeadlineExceeded);
  };
  shard.run_until_done(test_body(shard));
}

}  // namespace
}  // namespace roadstead::net
