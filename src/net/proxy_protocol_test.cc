// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls_test_support.h"

namespace roadstead::net {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string header(char version_command, char family, const std::string& rest) {
  return kSignature + version_command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xff) + rest;
}
const std::string kIpv4("\xc0\x00\x02\x01\x0a\x00\x00\x01\x15\xb3\x01\xbb", 12);
const std::string kIpv6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\x01' +
                          std::string(16, '\0') + std::string("\x15\xb3\x01\xbb", 4);

Result<std::optional<ProxyHeader>> parse(const std::string& text) {
  return parse_proxy_header(std::as_bytes(std::span(text)));
}

TEST(ProxyHeader, TellsTheClient) {
  struct Case {
    std::string bytes;
    std::string source;
  };
  for (const Case& c : {
           Case{header('\x21', '\x11', kIpv4), "192.0.2.1:5555"},
           Case{header('\x21', '\x21', kIpv6), "[2001:db8::1]:5555"},
           Case{header('\x21', '\x11', kIpv4 + "\x04\x00\x01x"), "192.0.2.1:5555"},  // with a TLV
           Case{header('\x20', '\x00', ""), ""},
           Case{header('\x20', '\x11', kIpv4), ""},
           Case{header('\x21', '\x00', "ignored"), ""},
       }) {
    for (std::size_t n = 0; n < c.bytes.size(); ++n) {
      const auto partial = parse(c.bytes.substr(0, n));
      ASSERT_TRUE(partial.ok()) << n;
      EXPECT_FALSE(partial->has_value()) << n;
    }
    const auto parsed = parse(c.bytes + "TLS");
    ASSERT_TRUE(parsed.ok() && parsed->has_value());
    EXPECT_EQ((*parsed)->length, c.bytes.size());
    EXPECT_EQ((*parsed)->source_address, c.source);
  }
}

TEST(ProxyHeader, RefusesEverythingElse) {
  for (const std::string& bytes : {
           std::string("PROXY TCP4 192.0.2.1 10.0.0.1 5555 443\r\n"),
           std::string("\x16\x03\x01"),
           std::string("\r\nX"),
           header('\x11', '\x11', kIpv4),
           header('\x31', '\x11', kIpv4),
           header('\x22', '\x11', kIpv4),
           header('\x21', '\x12', kIpv4),                  // UDP
           header('\x21', '\x31', std::string(216, 'u')),  // Unix
           header('\x21', '\x11', kIpv4.substr(1)),
           header('\x21', '\x21', kIpv6.substr(1)),
           header('\x21', '\x11', std::string(1025, 'x')),
       }) {
    const auto parsed = parse(bytes);
    ASSERT_FALSE(parsed.ok()) << testing::PrintToString(bytes);
    EXPECT_EQ(parsed.error().kind(), ErrorKind::Protocol);
  }
}

TEST(ProxyHeader, IsTakenBeforeTls) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto body = [](io::Shard& s) -> io::Task<void> {
    test::SocketPair sockets = co_await test::socket_pair(s);
    StreamPtr writer = make_tcp_stream(s, std::move(sockets.a));
    EXPECT_TRUE((co_await writer->write_all(header('\x21', '\x11', kIpv4) + "hello")).ok());
    const Result<void> taken = co_await take_proxy_header(s, sockets.b, test::soon(s));
    EXPECT_TRUE(taken.ok());
    EXPECT_EQ(sockets.b.peer_address(), "192.0.2.1:5555");
    StreamPtr reader = make_tcp_stream(s, std::move(sockets.b));
    EXPECT_EQ(reader->peer_address(), "192.0.2.1:5555");
    EXPECT_EQ(co_await test::read_exactly(*reader, 5), "hello");
  };
  shard.run_until_done(body(shard));
}

}  // namespace
}  // namespace roadstead::net
