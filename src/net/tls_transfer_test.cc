// SPDX-License-Identifier: Apache-2.0
// Bytes, memory and descriptors of TLS streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "base/allocation_test_support.h"
#include "net/tls_test_support.h"

namespace roadstead::net {
namespace {

using test::Pair;
using testing::HasSubstr;

class TlsTransfer : public testing::Test {
 protected:
  TlsTransfer() {
    TlsServerOptions server;
    server.identity = ca_.server({"hub.example"});
    server.client_certificates = ClientCertificates::Required;
    server.client_roots_pem = ca_.pem();
    server.session_id_context = "test";
    server_ = test::must_create<TlsServerContext>(std::move(server));
    TlsClientOptions client;
    client.roots_pem = ca_.pem();
    client.identity = ca_.client("agent-1");
    client_ = test::must_create<TlsClientContext>(std::move(client));
  }

 public:
  io::Task<Pair> connect() {
    test::TlsOutcome pair =
        co_await test::tls_pair(shard_, test::always(server_), client_, "hub.example");
    EXPECT_TRUE(pair.client.ok() && pair.server.ok());
    // A byte each way brings the ticket in.
    EXPECT_TRUE((co_await (*pair.server)->write_all("s")).ok());
    EXPECT_EQ((co_await test::read_exactly(**pair.client, 1)), "s");
    co_return Pair{std::move(*pair.client), std::move(*pair.server)};
  }

 protected:
  test::TestCa ca_{"CA"};
  SystemClock clock_;
  io::Shard shard_{clock_};
  std::shared_ptr<TlsServerContext> server_;
  std::shared_ptr<TlsClientContext> client_;
};

// A repeatable sequence in which every position differs from its neighbours.
struct Sequence {
  std::uint64_t state = 1;
  std::byte next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::byte>(state >> 56);
  }
};

// Writes in pieces of changing size, so that records and buffers meet at every offset.
io::Task<void> send_sequence(Stream& stream, std::size_t total) {
  Sequence sequence;
  std::vector<std::byte> piece;
  std::size_t size = 1;
  while (total > 0) {
    size = size * 7 % 200'003;
    piece.resize(std::min(size, total));
    for (std::byte& b : piece) {
      b = sequence.next();
    }
    const Result<void> written = co_await stream.write_all(std::span<const std::byte>(piece));
    EXPECT_TRUE(written.ok());
    if (!written.ok()) {
      co_return;
    }
    total -= piece.size();
  }
  EXPECT_TRUE((co_await stream.shutdown_write()).ok());
}

io::Task<void> expect_sequence(Stream& stream, std::size_t total) {
  Sequence sequence;
  std::vector<std::byte> buffer(150'000);
  std::size_t size = 1;
  std::size_t received = 0;
  std::size_t wrong = 0;
  for (;;) {
    size = size * 5 % 150'001;
    const auto n =
        co_await stream.read_some(std::span(buffer).first(std::max<std::size_t>(size, 1)));
    EXPECT_TRUE(n.ok());
    if (!n.ok() || *n == 0) {
      break;
    }
    for (std::size_t i = 0; i < *n; ++i) {
      wrong += buffer[i] != sequence.next();
    }
    received += *n;
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(received, total);
}

TEST_F(TlsTransfer, SixtyFourMebibytesBothWaysOnOneShard) {
  constexpr std::size_t kTotal = 64 * 1024 * 1024;
  const auto body = [](io::Shard& shard, io::Task<Pair> made) -> io::Task<void> {
    Pair pair = co_await std::move(made);
    io::TaskGroup group(shard);
    group.spawn(send_sequence(*pair.a, kTotal));
    group.spawn(send_sequence(*pair.b, kTotal / 8));
    group.spawn(expect_sequence(*pair.a, kTotal / 8));
    co_await expect_sequence(*pair.b, kTotal);
    co_await group.join();
  };
  shard_.run_until_done(body(shard_, connect()));
}

TEST_F(TlsTransfer, AnEndWithoutCloseNotifyIsNoEnd) {
  const auto body = [](io::Task<Pair> made) -> io::Task<void> {
    Pair pair = co_await std::move(made);
    pair.b->close();
    std::array<std::byte, 16> buffer;
    const Result<std::size_t> n = co_await pair.a->read_some(buffer);
    EXPECT_FALSE(n.ok());
    if (!n.ok()) {
      EXPECT_EQ(n.error().kind(), ErrorKind::EndOfStream);
      EXPECT_THAT(n.error().message(), HasSubstr("close_notify"));
    }
  };
  shard_.run_until_done(body(connect()));
}

io::Task<void> connect_often(io::Shard& shard, std::shared_ptr<TlsServerContext> server,
                             std::shared_ptr<TlsClientContext> client) {
  for (int i = 0; i < 40; ++i) {
    const test::TlsOutcome pair =
        co_await test::tls_pair(shard, test::always(server), client, "hub.example");
    EXPECT_TRUE(pair.client.ok() && pair.server.ok());
    EXPECT_TRUE((co_await (*pair.server)->write_all("s")).ok());
    EXPECT_EQ((co_await test::read_exactly(**pair.client, 1)), "s");
  }
}

TEST_F(TlsTransfer, ContextsServeSeveralShards) {
  std::thread other([this] {
    io::Shard shard(clock_);
    shard.run_until_done(connect_often(shard, server_, client_));
  });
  shard_.run_until_done(connect_often(shard_, server_, client_));
  other.join();
}

// What is here already must be told as readable even when the socket has nothing more.
TEST_F(TlsTransfer, DecryptedBytesAreReadableAtOnce) {
  const auto body = [](io::Task<Pair> made) -> io::Task<void> {
    Pair pair = co_await std::move(made);
    EXPECT_TRUE((co_await pair.a->write_all("abcdef")).ok());
    EXPECT_TRUE((co_await pair.a->write_all("ghi")).ok());
    std::string got;
    std::array<std::byte, 1> one;
    for (int i = 0; i < 9; ++i) {
      EXPECT_TRUE((co_await pair.b->readable()).ok());
      const Result<std::size_t> n = co_await pair.b->read_some(one);
      EXPECT_TRUE(n.ok() && *n == 1);
      got += static_cast<char>(one[0]);
    }
    EXPECT_EQ(got, "abcdefghi");
  };
  shard_.run_until_done(body(connect()));
}

TEST_F(TlsTransfer, ConnectionsLeaveNoDescriptor) {
  const auto body = [](TlsTransfer& test, int rounds, auto make) -> io::Task<void> {
    for (int round = 0; round < rounds; ++round) {
      std::vector<Pair> pairs;
      for (int i = 0; i < 20; ++i) {
        pairs.push_back(co_await make(test));
      }
    }
  };
  const auto make = [](TlsTransfer& test) { return test.connect(); };
  const std::size_t before = test::open_descriptors();
  shard_.run_until_done(body(*this, 10, make));
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(TlsTransfer, AnIdleConnectionHoldsNoBuffers) {
  const auto body = [](TlsTransfer& test, auto make) -> io::Task<void> {
    constexpr std::size_t kPairs = 500;
    std::vector<Pair> pairs;
    pairs.reserve(kPairs + 1);
    pairs.push_back(co_await make(test));
    const std::size_t before = roadstead::test::bytes_in_use();
    const std::string block(40'000, 'x');
    for (std::size_t i = 0; i < kPairs; ++i) {
      pairs.push_back(co_await make(test));
      // Larger than a record each way, as a used connection has seen.
      EXPECT_TRUE((co_await pairs.back().a->write_all(block)).ok());
      EXPECT_EQ((co_await test::read_exactly(*pairs.back().b, block.size())).size(), block.size());
    }
    const std::size_t each = (roadstead::test::bytes_in_use() - before) / kPairs;
    std::printf("an idle pair (client end and server end): %zu bytes\n", each);
    testing::Test::RecordProperty("bytes_per_idle_pair", std::to_string(each));
    EXPECT_LT(each, 18u * 1024);
  };
  const auto make = [](TlsTransfer& test) { return test.connect(); };
  shard_.run_until_done(body(*this, make));
}

}  // namespace
}  // namespace roadstead::net
