// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1_beast_reference.h"
#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

using reference::difference;
using reference::read_with_ours;

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
    EXPECT_EQ(difference<true>(wire), "") << wire;
  }
  for (const std::string& wire : kResponseSeeds) {
    EXPECT_TRUE(read_with_ours<false>(wire).has_value()) << wire;
    EXPECT_EQ(difference<false>(wire), "") << wire;
  }
}

TEST(H1Beast, NothingThatBeastRefusesIsAcceptedAndBothFrameAlike) {
  SeededRandom random(20261122);
  int accepted = 0;
  for (int i = 0; i < 20000 && !testing::Test::HasFailure(); ++i) {
    const std::string request = mutate(kRequestSeeds[random.below(kRequestSeeds.size())], random);
    EXPECT_EQ(difference<true>(request), "") << testing::PrintToString(request);
    accepted += read_with_ours<true>(request).has_value() ? 1 : 0;
    const std::string response =
        mutate(kResponseSeeds[random.below(kResponseSeeds.size())], random);
    EXPECT_EQ(difference<false>(response), "") << testing::PrintToString(response);
  }
  EXPECT_GT(accepted, 1000) << "the mutations are too coarse to say anything";
}

}  // namespace
}  // namespace roadstead::http
