// SPDX-License-Identifier: Apache-2.0
#include "http/h1_body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

struct Decoded {
  std::string payload;
  std::string rest;  // bytes after the body
  bool ended = false;
  bool refused = false;
  Headers trailers;
  bool operator==(const Decoded&) const = default;
};

// Gives the bytes in slices of random size up to `slice`, taking at most `max` payload at a time.
Decoded decode(H1Framing framing, std::string_view in, std::size_t slice, std::size_t max,
               Random& random) {
  H1Body body(framing);
  Decoded out;
  std::string held;
  while (!in.empty() && !body.ended()) {
    const std::size_t n = std::min<std::size_t>(in.size(), 1 + random.below(slice));
    held += in.substr(0, n);
    in.remove_prefix(n);
    for (;;) {
      std::string piece;
      const Result<std::size_t> used = body.decode(held, piece, max);
      if (!used.ok()) {
        out.refused = true;
        return out;
      }
      EXPECT_LE(piece.size(), max);
      held.erase(0, *used);
      out.payload += piece;
      if (piece.empty()) {
        break;
      }
    }
  }
  out.rest = held + std::string(in);
  out.ended = body.ended();
  out.trailers = body.trailers();
  return out;
}

constexpr H1Framing kChunked{BodyKind::Chunked, 0};

TEST(H1Body, GivesTheSameForEverySlicing) {
  SeededRandom random(1);
  for (int round = 0; round < 60; ++round) {
    std::string wire;
    std::string payload;
    const std::uint64_t chunks = random.below(8);
    for (std::uint64_t i = 0; i < chunks; ++i) {
      const std::string piece = random_bytes(random, 1 + random.below(3000));
      append_chunk_head(wire, piece.size());
      if (random.below(3) == 0) {
        wire.insert(wire.size() - 2, ";name=\"va\\\"lue\";flag");
      }
      wire += piece + "\r\n";
      payload += piece;
    }
    Headers trailers;
    if (random.below(2) == 0) {
      trailers.add("x-sum", "abc");
    }
    append_last_chunk(wire, trailers);
    wire += "GET next";
    const Decoded whole = decode(kChunked, wire, 1 << 20, 1 << 20, random);
    EXPECT_EQ(whole.payload, payload);
    EXPECT_EQ(whole.rest, "GET next");
    EXPECT_TRUE(whole.ended);
    EXPECT_EQ(whole.trailers, trailers);
    EXPECT_EQ(decode(kChunked, wire, 1, 1 << 20, random), whole);
    EXPECT_EQ(decode(kChunked, wire, 700, 1 + random.below(500), random), whole);
  }
}

TEST(H1Body, EndsALengthExactly) {
  SeededRandom random(2);
  for (const std::size_t slice : {1U, 3U, 100U}) {
    const Decoded out = decode({BodyKind::Length, 5}, "helloGET /", slice, 100, random);
    EXPECT_EQ(out.payload, "hello");
    EXPECT_EQ(out.rest, "GET /");
    EXPECT_TRUE(out.ended);
  }
}

TEST(H1Body, RefusesHostileChunks) {
  SeededRandom random(3);
  const std::vector<std::string> hostile = {
      "\r\n",
      "g\r\n",
      "-1\r\n",
      "+1\r\na\r\n0\r\n\r\n",
      "0x1\r\na\r\n0\r\n\r\n",
      " 1\r\na\r\n0\r\n\r\n",
      "1 \r\na\r\n0\r\n\r\n",
      "1\na\r\n0\r\n\r\n",
      "1\r\na\n0\r\n\r\n",
      "1\r\nab\r\n0\r\n\r\n",
      "1\r\na\r\r\n",
      "1\r\na0\r\n\r\n",
      "1;\r\na\r\n0\r\n\r\n",
      "1;a=\r\na\r\n0\r\n\r\n",
      "1 ;a\r\na\r\n0\r\n\r\n",
      "1;a=\"b\r\na\r\n0\r\n\r\n",
      "1;a\rb\r\na\r\n0\r\n\r\n",
      std::string("1;a=\"\0\"\r\na\r\n0\r\n\r\n", 17),
      "ffffffffffffffff\r\n",
      "10000000000000000\r\n",
      "0000000000000001\r\na\r\n0\r\n\r\n",
      "1;" + std::string(256, 'a') + "\r\na\r\n0\r\n\r\n",
      "0\r\nA : b\r\n\r\n",
      "0\r\n a: b\r\n\r\n",
      "0\r\na\r\n\r\n",
      "0\r\na: b\n\r\n",
      "0\r\nContent-Length: 1\r\n\r\n",
      "0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "0\r\nHost: x\r\n\r\n",
      "0\r\nauthorization: x\r\n\r\n",
      "0\r\na: " + std::string(20000, 'b') + "\r\n\r\n",
  };
  for (const std::string& wire : hostile) {
    EXPECT_TRUE(decode(kChunked, wire, 1 << 20, 1 << 20, random).refused) << wire.substr(0, 40);
    EXPECT_TRUE(decode(kChunked, wire, 1, 1 << 20, random).refused) << wire.substr(0, 40);
  }
}

TEST(H1Body, BoundsTheSumOfExtensionsAndTrailers) {
  SeededRandom random(4);
  std::string wire;
  for (int i = 0; i < 300; ++i) {
    wire += "1;" + std::string(250, 'a') + "\r\nx\r\n";
  }
  EXPECT_TRUE(decode(kChunked, wire, 1 << 20, 1 << 20, random).refused);
  wire = "0\r\n";
  for (int i = 0; i < 65; ++i) {
    wire += "a: b\r\n";
  }
  EXPECT_TRUE(decode(kChunked, wire + "\r\n", 1 << 20, 1 << 20, random).refused);
}

TEST(H1Body, TellsAnEndFromABreak) {
  H1Body until_close({BodyKind::UntilClose, 0});
  EXPECT_TRUE(until_close.end_of_input().ok());
  EXPECT_TRUE(until_close.ended());
  H1Body length({BodyKind::Length, 3});
  EXPECT_EQ(length.end_of_input().error().kind(), ErrorKind::EndOfStream);
  H1Body chunked(kChunked);
  EXPECT_EQ(chunked.end_of_input().error().kind(), ErrorKind::EndOfStream);
  EXPECT_TRUE(H1Body().end_of_input().ok());
}

}  // namespace
}  // namespace roadstead::http
