// SPDX-License-Identifier: Apache-2.0
// The common bound of what is received and not read.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h2_buffer.h"
#include "http/h2_core.h"
#include "http/h2_test_support.h"
#include "io/event.h"

namespace roadstead::http {
namespace {

using io::Task;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

TEST(BufferBudget, IsScarceFromFullUntilHalfIsFree) {
  BufferBudget budget(100);
  EXPECT_TRUE(budget.take(60));
  EXPECT_FALSE(budget.take(41));
  EXPECT_EQ(budget.used(), 60U);
  EXPECT_FALSE(budget.scarce());
  budget.hold(80);  // is here, whether there was room or not
  EXPECT_TRUE(budget.scarce());
  budget.give_back(80);
  EXPECT_TRUE(budget.scarce()) << "more than half is used";
  budget.give_back(10);
  EXPECT_FALSE(budget.scarce());
  EXPECT_TRUE(budget.take(50));
}

TEST(ReceiveQueue, CountsWhatItHoldsInTheBudget) {
  BufferBudget budget(kMiB);
  {
    ReceiveQueue queue(&budget);
    queue.add(std::string(100, 'a'));
    queue.add(std::string(ReceiveQueue::kPiece, 'b'));
    EXPECT_EQ(budget.used(), 100 + ReceiveQueue::kPiece);
    EXPECT_EQ(queue.take().size(), 100U);
    EXPECT_EQ(budget.used(), ReceiveQueue::kPiece);
    queue.clear();
    EXPECT_EQ(budget.used(), 0U);
    queue.add("left");
  }
  EXPECT_EQ(budget.used(), 0U);
}

constexpr std::size_t kBody = kMiB;

Task<void> give_a_mebibyte(ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer(200)));
  const std::string piece(16 * kKiB, 'x');
  for (std::size_t sent = 0; sent < kBody; sent += piece.size()) {
    if (!(co_await exchange.write(piece)).ok()) {
      co_return;
    }
  }
  static_cast<void>(co_await exchange.finish());
}

Task<void> read_body(ClientExchange& exchange, std::size_t* size) {
  const auto body = co_await read_all(exchange);
  *size = body.ok() ? body->size() : 0;
}

class BudgetTest : public ::testing::Test {
 protected:
  // Opens streams that nobody reads, one after the other.
  void open_stalled(int count) {
    for (int i = 0; i < count; ++i) {
      exchanges.push_back(pair.client->open(get("/"), true).value());
      pair.settle();
    }
  }
  static H2Options with(BufferBudget* budget) {
    H2Options options;
    options.buffer_budget = budget;
    return options;
  }

  BufferBudget budget{kMiB};
  H2Pair pair{give_a_mebibyte, {}, with(&budget)};
  std::vector<ClientExchangePtr> exchanges;
};

TEST_F(BudgetTest, StalledReadersBeyondItCostASmallWindowEach) {
  pair.settle();
  constexpr int kStreams = 100;
  open_stalled(kStreams);
  // The windows that were open when the last bytes of the budget arrived, then small ones.
  EXPECT_GE(budget.used(), budget.limit());
  EXPECT_LE(budget.used(), budget.limit() + 2 * 256 * kKiB + kStreams * H2Core::kScarceWindow);
}

TEST_F(BudgetTest, WhoReadsGoesOnAndMakesRoomForTheRest) {
  pair.settle();
  open_stalled(20);
  for (const ClientExchangePtr& exchange : exchanges) {
    std::size_t size = 0;
    pair.loop.run_until_done(read_body(*exchange, &size));
    EXPECT_EQ(size, kBody);
  }
  exchanges.clear();
  pair.settle();
  EXPECT_EQ(budget.used(), 0U);
  // Windows have their usual size again. The peer learns it with the next request.
  open_stalled(2);
  EXPECT_EQ(budget.used(), 2 * 256 * kKiB);
}

// The same for what a server receives: the handler waits until the client gives up.
Task<void> read_nothing(ServerExchange& exchange) {
  io::Event gone(exchange.executor());
  exchange.on_abort([&gone] { gone.set(); });
  co_await gone.wait();
  exchange.on_abort(nullptr);
}

Task<void> upload(ClientExchange& exchange) {
  const std::string piece(16 * kKiB, 'x');
  while ((co_await exchange.write(piece)).ok()) {
  }
}

TEST(H2Budget, UploadsThatNobodyReadsStayWithinIt) {
  BufferBudget budget(kMiB);
  H2Options server;
  server.buffer_budget = &budget;
  H2Pair pair(read_nothing, server);
  pair.settle();
  io::TaskGroup uploads(pair.loop);
  std::vector<ClientExchangePtr> exchanges;
  constexpr int kStreams = 50;
  for (int i = 0; i < kStreams; ++i) {
    exchanges.push_back(pair.client->open(post("/"), false).value());
    uploads.spawn(upload(*exchanges.back()));
    pair.settle();
  }
  EXPECT_GE(budget.used(), budget.limit());
  EXPECT_LE(budget.used(), budget.limit() + 2 * 256 * kKiB + kStreams * H2Core::kScarceWindow);
  for (const ClientExchangePtr& exchange : exchanges) {
    exchange->reset();
  }
  pair.loop.run_until_done(uploads.join());
}

}  // namespace
}  // namespace roadstead::http
