// SPDX-License-Identifier: Apache-2.0
// Flow control, fairness between streams, and memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/h2_session.h"
#include "http/h2_test_support.h"
#include "http/h2_window.h"
#include "io/event.h"

namespace roadstead::http {
namespace {

using io::Task;

constexpr std::size_t kMiB = 1024 * 1024;

// FNV-1a, over bytes that differ from place to place.
struct Checksum {
  std::uint64_t value = 14695981039346656037U;
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      value = (value ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
  }
};

std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string out(size, '\0');
  for (char& c : out) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return out;
}

// Odd sizes, so that copies, borrows and frame borders fall everywhere.
constexpr std::size_t kSizes[] = {1, 100, 16'383, 16'384, 16'385, 40'000, 65'536, 100'000};

Task<void> send_stream(BodySink& sink, std::size_t total, Checksum* sum) {
  const std::string source = pattern(200'000, 7);
  std::size_t sent = 0;
  for (std::size_t i = 0; sent < total; ++i) {
    const std::size_t size = std::min(kSizes[i % std::size(kSizes)], total - sent);
    const std::string_view bytes = std::string_view(source).substr(i % 1000, size);
    sum->add(bytes);
    EXPECT_TRUE((co_await sink.write(bytes)).ok());
    sent += size;
  }
  EXPECT_TRUE((co_await sink.finish()).ok());
}

Task<void> receive_stream(BodySource& source, std::size_t* total, Checksum* sum) {
  for (;;) {
    const auto piece = co_await source.read();
    EXPECT_TRUE(piece.ok());
    if (!piece.ok() || piece->empty()) {
      break;
    }
    EXPECT_LE(piece->size(), 65536U);
    *total += piece->size();
    sum->add(*piece);
  }
}

struct StreamBothWays {
  std::size_t size;
  Checksum* sent;
  Checksum* received;
  std::size_t* received_bytes;
  Task<void> operator()(ServerExchange& exchange) const {
    static_cast<void>(co_await exchange.respond(answer(200)));
    co_await io::when_both(exchange.executor(), send_stream(exchange, size, sent),
                           receive_stream(exchange, received_bytes, received));
  }
};

TEST(H2Flow, SixtyFourMebibytesBothWaysAtOnce) {
  constexpr std::size_t kTotal = 64 * kMiB;
  Checksum down_sent;
  Checksum down_received;
  Checksum up_sent;
  Checksum up_received;
  std::size_t up_bytes = 0;
  std::size_t down_bytes = 0;
  H2Pair pair(StreamBothWays{kTotal, &down_sent, &up_received, &up_bytes}, {}, {}, 1'000'000);
  auto exchange = pair.client->open(post("/"), false).value();
  pair.loop.run_until_done(io::when_both(pair.loop, send_stream(*exchange, kTotal, &up_sent),
                                         receive_stream(*exchange, &down_bytes, &down_received)));
  pair.settle();
  EXPECT_EQ(up_bytes, kTotal);
  EXPECT_EQ(down_bytes, kTotal);
  EXPECT_EQ(up_sent.value, up_received.value);
  EXPECT_EQ(down_sent.value, down_received.value);
  EXPECT_EQ(pair.client->open_streams(), 0U);
}

// "/bulk" answers without end and counts what was accepted; all else is small.
struct BulkOrSmall {
  std::size_t* accepted;
  Task<void> operator()(ServerExchange& exchange) const {
    static_cast<void>(co_await exchange.respond(answer(200)));
    if (exchange.request().target != "/bulk") {
      static_cast<void>(co_await exchange.write("small"));
      static_cast<void>(co_await exchange.finish());
      co_return;
    }
    const std::string piece(32 * 1024, 'b');
    while ((co_await exchange.write(piece)).ok()) {
      *accepted += piece.size();
    }
  }
};

Task<void> small_request(H2Session& session, int* done) {
  auto exchange = session.open(get("/small"), true).value();
  const auto body = co_await read_all(*exchange);
  EXPECT_TRUE(body.ok());
  ++*done;
}

TEST(H2Flow, AStalledReaderCostsItsWindowAndNobodyElse) {
  std::size_t accepted = 0;
  H2Pair pair(BulkOrSmall{&accepted});
  std::vector<ClientExchangePtr> stalled;
  pair.settle();
  for (int i = 0; i < 20; ++i) {
    stalled.push_back(pair.client->open(get("/bulk"), true).value());
  }
  pair.settle();
  // One window each, and no more however long it lasts.
  EXPECT_LE(accepted, 20U * (256 + 64) * 1024);
  EXPECT_GE(accepted, 20U * 200 * 1024);
  const std::size_t before = accepted;
  io::TaskGroup group(pair.loop);
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    group.spawn(small_request(*pair.client, &done));
  }
  pair.settle();
  EXPECT_EQ(done, 100);
  EXPECT_EQ(accepted, before);
}

struct BulkReader {
  std::size_t bytes = 0;
  bool stop = false;
};

Task<void> read_bulk(H2Session& session, BulkReader* reader) {
  auto exchange = session.open(get("/bulk"), true).value();
  while (!reader->stop) {
    const auto piece = co_await exchange->read();
    EXPECT_TRUE(piece.ok());
    reader->bytes += piece->size();
  }
}

Task<void> smalls_beside_bulk(H2Pair& pair, BulkReader* reader) {
  while (reader->bytes < kMiB) {
    co_await pair.loop.yield();
  }
  const std::size_t before = reader->bytes;
  int done = 0;
  io::TaskGroup group(pair.loop);
  for (int i = 0; i < 100; ++i) {
    group.spawn(small_request(*pair.client, &done));
  }
  co_await group.join();
  EXPECT_EQ(done, 100);
  // They did not wait for the bulk stream's queue, which never ends.
  EXPECT_LT(reader->bytes - before, 8 * kMiB);
  reader->stop = true;
}

TEST(H2Flow, ABulkDownloadDoesNotStarveSmallRequests) {
  std::size_t accepted = 0;
  H2Pair pair(BulkOrSmall{&accepted});
  pair.settle();
  BulkReader reader;
  pair.loop.run_until_done(io::when_both(pair.loop, read_bulk(*pair.client, &reader),
                                         smalls_beside_bulk(pair, &reader)));
}

// Reads uploads and tells how far it is; answers small requests with their body's size.
struct UploadReader {
  std::size_t* bulk;
  Task<void> operator()(ServerExchange& exchange) const {
    const bool counts = exchange.request().target == "/bulk";
    for (;;) {
      const auto piece = co_await exchange.read();
      if (!piece.ok() || piece->empty()) {
        break;
      }
      *bulk += counts ? piece->size() : 0;
    }
    static_cast<void>(co_await exchange.respond(answer(200), true));
  }
};

Task<void> upload_bulk(H2Session& session, const bool* stop) {
  auto exchange = session.open(post("/bulk"), false).value();
  const std::string piece(64 * 1024, 'u');
  while (!*stop) {
    EXPECT_TRUE((co_await exchange->write(piece)).ok());
  }
}

Task<void> small_upload(H2Session& session, int* done) {
  auto exchange = session.open(post("/small"), false).value();
  const std::string body(20'000, 's');
  EXPECT_TRUE((co_await exchange->write(body)).ok());
  EXPECT_TRUE((co_await exchange->finish()).ok());
  EXPECT_TRUE((co_await exchange->response()).ok());
  ++*done;
}

Task<void> smalls_beside_upload(H2Pair& pair, const std::size_t* bulk, bool* stop) {
  while (*bulk < kMiB) {
    co_await pair.loop.yield();
  }
  const std::size_t before = *bulk;
  int done = 0;
  io::TaskGroup group(pair.loop);
  for (int i = 0; i < 100; ++i) {
    group.spawn(small_upload(*pair.client, &done));
  }
  co_await group.join();
  EXPECT_EQ(done, 100);
  EXPECT_LT(*bulk - before, 16 * kMiB);
  *stop = true;
}

TEST(H2Flow, ABulkUploadDoesNotStarveSmallOnes) {
  std::size_t bulk = 0;
  H2Pair pair(UploadReader{&bulk});
  pair.settle();
  bool stop = false;
  pair.loop.run_until_done(io::when_both(pair.loop, upload_bulk(*pair.client, &stop),
                                         smalls_beside_upload(pair, &bulk, &stop)));
}

Task<void> read_some(ClientExchange& exchange, std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    const auto piece = co_await exchange.read();
    EXPECT_TRUE(piece.ok());
    got += piece->size();
  }
}

TEST(H2Flow, GrownWindowsOfStalledReadersStayWithinTheBudget) {
  BufferBudget budget(2 * kMiB);
  H2Options client;
  client.buffer_budget = &budget;
  std::size_t accepted = 0;
  {
    H2Pair pair(BulkOrSmall{&accepted}, {}, client);
    pair.settle();
    std::vector<ClientExchangePtr> open;
    for (int i = 0; i < 10; ++i) {
      open.push_back(pair.client->open(get("/bulk"), true).value());
      // Time stands still here, so every window looks like the bottleneck and grows.
      pair.loop.run_until_done(read_some(*open.back(), 8 * kMiB));
    }
    pair.settle();
    EXPECT_GT(budget.used(), 0U);
    // What is held in a grown window counts twice: as growth and as bytes.
    EXPECT_LE(budget.used(), 2 * budget.limit() + 10U * 256 * 1024);
    const std::size_t stalled = accepted - 10 * 8 * kMiB;
    EXPECT_LE(stalled, budget.limit() + 10U * (256 + 128) * 1024);
  }
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace roadstead::http
