// SPDX-License-Identifier: Apache-2.0
// Our client against our server over a pipe, with seeded random sizes, framings and pauses.
#include <gtest/gtest.h>

#include <string>

#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

// FNV-1a: enough to see a lost, doubled or moved byte.
struct Sum {
  std::uint64_t value = 14695981039346656037ULL;
  std::uint64_t bytes = 0;
  void add(std::string_view text) {
    for (const char c : text) {
      value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    bytes += text.size();
  }
  bool operator==(const Sum&) const = default;
};

struct Plan {
  std::uint64_t seed = 0;
  std::size_t total = 0;
  bool with_length = false;
  Sum sum;
};

// Writes `plan.total` seeded bytes in random pieces with random pauses.
io::Task<void> pour(io::SimulatedLoop& loop, BodySink& sink, Plan& plan, bool finish) {
  SeededRandom random(plan.seed);
  std::size_t left = plan.total;
  while (left > 0) {
    const std::string piece =
        random_bytes(random, std::min<std::size_t>(left, 1 + random.below(90000)));
    plan.sum.add(piece);
    left -= piece.size();
    const Result<void> sent = co_await sink.write(piece);
    EXPECT_TRUE(sent.ok());
    if (random.below(4) == 0) {
      co_await loop.yield();
    }
  }
  if (finish) {
    EXPECT_TRUE((co_await sink.finish({})).ok());
  }
}

io::Task<void> drink(io::SimulatedLoop& loop, BodySource& source, Sum& sum, std::uint64_t seed) {
  SeededRandom random(seed);
  for (;;) {
    const Result<std::string> piece = co_await source.read();
    EXPECT_TRUE(piece.ok());
    if (!piece.ok() || piece->empty()) {
      break;
    }
    EXPECT_LE(piece->size(), 64U * 1024);
    sum.add(*piece);
    for (std::uint64_t i = random.below(4); i > 0; --i) {
      co_await loop.yield();
    }
  }
}

// Takes the request's body and gives another one at the same time.
struct Duplex : Handler {
  explicit Duplex(io::SimulatedLoop& l) : loop(l) {}
  io::Task<void> handle(ServerExchange& exchange) override {
    ++calls;
    ResponseHead head = make_response(upgrade ? 101 : 200);
    if (upgrade) {
      head.headers.add("upgrade", "SPDY/3.1");
    } else if (response.with_length) {
      head.headers.add("content-length", std::to_string(response.total));
    }
    EXPECT_TRUE((co_await exchange.respond(std::move(head))).ok());
    request = Sum();
    co_await io::when_both(loop, pour(loop, exchange, response, true),
                           drink(loop, exchange, request, response.seed + 1));
  }
  io::SimulatedLoop& loop;
  bool upgrade = false;
  int calls = 0;
  Plan response;
  Sum request;
};

struct RoundTrip {
  World world;
  Duplex duplex{world.loop};
  Sum expected;  // of the request that was sent

  io::Task<void> one(H1Client& client, Plan request) {
    RequestHead head = make_request("POST", "/");
    if (duplex.upgrade) {
      head.headers.add("connection", "upgrade");
      head.headers.add("upgrade", "SPDY/3.1");
    } else if (request.with_length) {
      head.headers.add("content-length", std::to_string(request.total));
    }
    Result<ClientExchangePtr> opened = co_await client.open(std::move(head), false);
    EXPECT_TRUE(opened.ok());
    const ClientExchangePtr exchange = std::move(opened).value();
    Sum response;
    if (duplex.upgrade) {
      const Result<ResponseHead> answer = co_await exchange->response();
      EXPECT_EQ(answer->status, 101);
    }
    co_await io::when_both(world.loop, pour(world.loop, *exchange, request, true),
                           take(*exchange, response, request.seed + 2));
    EXPECT_EQ(response, duplex.response.sum);
    expected = request.sum;
    EXPECT_EQ(response.bytes, duplex.response.total);
    EXPECT_EQ(request.sum.bytes, request.total);
  }
  io::Task<void> take(ClientExchange& exchange, Sum& sum, std::uint64_t seed) {
    if (!duplex.upgrade) {
      const Result<ResponseHead> answer = co_await exchange.response();
      EXPECT_EQ(answer->status, 200);
    }
    co_await drink(world.loop, exchange, sum, seed);
  }

  void run(std::uint64_t seed, int exchanges) {
    SeededRandom random(seed);
    auto [near, far] = net::make_pipe(world.loop, 1 + random.below(70000));
    const auto server = H1Server::create(std::move(near), {}, duplex);
    const auto client = H1Client::create(std::move(far), {});
    io::TaskGroup group(world.loop);
    group.spawn(server->run());
    for (int i = 0; i < exchanges; ++i) {
      duplex.response = {random.next_u64(), random.below(600000), random.below(2) == 0, {}};
      world.loop.run_until_done(
          one(*client, {random.next_u64(), random.below(600000), random.below(2) == 0, {}}));
      EXPECT_EQ(client->reusable(), !duplex.upgrade);
    }
    client->close();
    world.settle();
    EXPECT_EQ(group.running(), 0U);
    EXPECT_EQ(duplex.calls, exchanges);
  }
};

TEST(H1RoundTrip, StreamsBothWaysAtOnce) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    RoundTrip trip;
    trip.run(seed, 4);
  }
}

TEST(H1RoundTrip, CarriesUpgradedBytesBothWays) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    RoundTrip trip;
    trip.duplex.upgrade = true;
    trip.run(seed, 1);
  }
}

}  // namespace
}  // namespace roadstead::http
