// SPDX-License-Identifier: Apache-2.0
// Our parser against Boost.Beast's, on mutated messages: what Beast refuses, ours refuses too, and
// what both accept has the same fields and the same end.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "http/h1_body.h"
#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

namespace beast = boost::beast::http;

struct Message {
  std::string first;  // method and target, or status
  std::vector<std::pair<std::string, std::string>> fields;
  std::string payload;
  std::size_t bytes = 0;  // where the message ends
  bool ended = false;
  bool operator==(const Message&) const = default;
};

// nullopt: refused, or the head is not complete.
template <bool kRequest>
std::optional<Message> read_with_beast(const std::string& wire) {
  beast::parser<kRequest, beast::string_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  parser.eager(true);
  boost::beast::error_code error;
  std::size_t used = 0;
  while (used < wire.size() && !parser.is_done()) {
    const std::size_t n =
        parser.put(boost::asio::const_buffer(wire.data() + used, wire.size() - used), error);
    used += n;
    if (error == beast::error::need_more) {
      error = {};
      break;
    }
    if (error) {
      return std::nullopt;
    }
    if (n == 0) {
      break;
    }
  }
  if (!parser.is_header_done()) {
    return std::nullopt;
  }
  Message out;
  const auto& message = parser.get();
  if constexpr (kRequest) {
    out.first = std::string(message.method_string()) + " " + std::string(message.target());
  } else {
    out.first = std::to_string(message.result_int());
  }
  for (const auto& field : message) {
    out.fields.emplace_back(ascii::to_lower(std::string_view(field.name_string())),
                            std::string(field.value()));
  }
  out.payload = message.body();
  out.bytes = used;
  out.ended = parser.is_done();
  return out;
}

// The same through ours.
template <bool kRequest>
std::optional<Message> read_with_ours(const std::string& wire) {
  H1HeadScanner scanner(1 << 20);
  if (scanner.scan(wire) != H1HeadScanner::State::Complete) {
    return std::nullopt;
  }
  const std::string_view head = std::string_view(wire).substr(0, scanner.head_bytes());
  Message out;
  H1Framing framing;
  Headers fields;
  if constexpr (kRequest) {
    H1Request request;
    if (parse_request(head, request)) {
      return std::nullopt;
    }
    const std::size_t space = head.find(' ');
    out.first = head.substr(0, head.find(' ', space + 1));
    framing = request.framing;
  } else {
    H1Response response;
    if (parse_response(head, false, response)) {
      return std::nullopt;
    }
    out.first = std::to_string(response.head.status);
    framing = response.framing;
  }
  const std::size_t line = head.find("\r\n") + 2;
  EXPECT_FALSE(parse_field_lines(head.substr(line, head.size() - line - 2), 1000, fields));
  H1Body body(framing);
  const auto used =
      body.decode(std::string_view(wire).substr(head.size()), out.payload, wire.size());
  if (!used.ok()) {
    return std::nullopt;
  }
  // Beast keeps trailers among the fields once the body has ended.
  for (const Header& field : fields) {
    out.fields.emplace_back(field.name, field.value);
  }
  for (const Header& field : body.trailers()) {
    out.fields.emplace_back(field.name, field.value);
  }
  out.bytes = head.size() + *used;
  out.ended = body.ended();
  return out;
}

void sort_fields(Message& message) { std::sort(message.fields.begin(), message.fields.end()); }

template <bool kRequest>
void compare(const std::string& wire) {
  auto ours = read_with_ours<kRequest>(wire);
  if (!ours.has_value()) {
    return;  // being stricter is what we want
  }
  auto theirs = read_with_beast<kRequest>(wire);
  ASSERT_TRUE(theirs.has_value()) << "accepted here, refused by Beast: "
                                  << testing::PrintToString(wire);
  EXPECT_EQ(ours->ended, theirs->ended) << testing::PrintToString(wire);
  EXPECT_EQ(ours->first, theirs->first) << testing::PrintToString(wire);
  EXPECT_EQ(ours->payload, theirs->payload) << testing::PrintToString(wire);
  if (ours->ended) {
    sort_fields(*ours);
    sort_fields(*theirs);
    EXPECT_EQ(ours->bytes, theirs->bytes) << testing::PrintToString(wire);
    EXPECT_EQ(ours->fields, theirs->fields) << testing::PrintToString(wire);
  }
}

const std::vector<std::string> kRequestSeeds = {
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /a?b=c HTTP/1.1\r\nHost: x:1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhelloGET "
    "/ ",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n1f;a=b;c=\"d\"\r\n0123456789012345678901234567890\r\n0\r\nx-sum: 1\r\n\r\nGET",
    "GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\nExpect: 100-continue\r\n\r\n",
};
const std::vector<std::string> kResponseSeeds = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: u\r\n\r\nHTTP",
    "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 304 \r\nContent-Length: 7\r\nEtag: \"a\"\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nraw",
    "HTTP/1.1 100 Continue\r\n\r\n",
};

// Pieces that parsers have been known to read differently.
const std::vector<std::string> kPieces = {"\r\n",
                                          "\n",
                                          "\r",
                                          " ",
                                          "\t",
                                          ":",
                                          ",",
                                          ";",
                                          "=",
                                          "\"",
                                          "\\",
                                          "0",
                                          "1",
                                          "f",
                                          "+",
                                          "-",
                                          "\v",
                                          std::string(1, '\0'),
                                          "\x7f",
                                          "\x80",
                                          "chunked",
                                          "Content-Length: 5\r\n",
                                          "Content-Length: 6\r\n",
                                          "Transfer-Encoding: chunked\r\n",
                                          "Transfer-Encoding: gzip\r\n",
                                          "Connection: close\r\n",
                                          "Connection: a b\r\n",
                                          "Host: y\r\n",
                                          " folded\r\n",
                                          "\r\n\r\n",
                                          "HTTP/1.0",
                                          "HTTP/1.1",
                                          "0\r\n\r\n",
                                          "5\r\n",
                                          "identity",
                                          ", ",
                                          "http://x"};

std::string mutate(std::string wire, Random& random) {
  const std::uint64_t changes = 1 + random.below(3);
  for (std::uint64_t i = 0; i < changes && !wire.empty(); ++i) {
    const std::size_t at = random.below(wire.size());
    switch (random.below(4)) {
      case 0:
        wire[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        wire.erase(at, 1 + random.below(3));
        break;
      case 2:
        wire.insert(at, kPieces[random.below(kPieces.size())]);
        break;
      default: {
        const std::size_t line = wire.find('\n', at);
        wire.insert(line == wire.npos ? at : line + 1, kPieces[random.below(kPieces.size())]);
        break;
      }
    }
  }
  return wire;
}

TEST(H1Beast, SeedsAreAcceptedByBoth) {
  for (const std::string& wire : kRequestSeeds) {
    EXPECT_TRUE(read_with_ours<true>(wire).has_value()) << wire;
    compare<true>(wire);
  }
  for (const std::string& wire : kResponseSeeds) {
    EXPECT_TRUE(read_with_ours<false>(wire).has_value()) << wire;
    compare<false>(wire);
  }
}

TEST(H1Beast, NothingThatBeastRefusesIsAcceptedAndBothFrameAlike) {
  SeededRandom random(20261122);
  int accepted = 0;
  for (int i = 0; i < 20000 && !testing::Test::HasFailure(); ++i) {
    const std::string request = mutate(kRequestSeeds[random.below(kRequestSeeds.size())], random);
    compare<true>(request);
    accepted += read_with_ours<true>(request).has_value() ? 1 : 0;
    compare<false>(mutate(kResponseSeeds[random.below(kResponseSeeds.size())], random));
  }
  EXPECT_GT(accepted, 1000) << "the mutations are too coarse to say anything";
}

}  // namespace
}  // namespace roadstead::http
