// SPDX-License-Identifier: Apache-2.0
#include "net/unsent_limit.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "net/net_test_support.h"

namespace roadstead::net {
namespace {

using std::chrono::milliseconds;

constexpr UnsentBounds kBounds{.least = 256 * 1024, .most = 4 * 1024 * 1024};

TEST(UnsentLimitTest, HoldsWhatThePathTakesInHalfARoundTrip) {
  EXPECT_EQ(UnsentLimit::next(kBounds.least, 20e6, milliseconds(100), kBounds), 1'000'000U);
  EXPECT_EQ(UnsentLimit::next(kBounds.least, 1.25e6, milliseconds(100), kBounds), kBounds.least);
  EXPECT_EQ(UnsentLimit::next(kBounds.least, 125e6, milliseconds(100), kBounds), kBounds.most);
}

TEST(UnsentLimitTest, LeavesTimeToWakeUpOnAShortPath) {
  EXPECT_EQ(UnsentLimit::next(kBounds.least, 10e9, milliseconds(0), kBounds), 1'000'000U);
}

TEST(UnsentLimitTest, RisesAtOnceAndFallsSlowly) {
  constexpr std::size_t kNow = 1 << 20;
  EXPECT_EQ(UnsentLimit::next(kNow, 0, milliseconds(100), kBounds), kNow - kNow / 8);
  EXPECT_EQ(UnsentLimit::next(kNow, 60e6, milliseconds(100), kBounds), 3'000'000U);
  std::size_t falling = kBounds.most;
  for (int i = 0; i < 100; ++i) {
    falling = UnsentLimit::next(falling, 0, milliseconds(100), kBounds);
  }
  EXPECT_EQ(falling, kBounds.least);
}

TEST(UnsentLimitTest, TheKernelTakesLittleMore) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto taken = [](io::Shard* home, std::size_t limit, std::size_t* total) -> io::Task<void> {
    test::SocketPair pair = co_await test::socket_pair(*home);
    constexpr int kSmall = 16 * 1024;  // what the silent reader's kernel takes
    EXPECT_EQ(setsockopt(pair.b.fd(), SOL_SOCKET, SO_RCVBUF, &kSmall, sizeof(kSmall)), 0);
    UnsentLimit unsent;
    unsent.follow(pair.a.fd(), {.least = limit, .most = limit});
    const std::string chunk(4096, 'x');
    for (ssize_t n = 1; n > 0 && *total < (1u << 24); *total += n > 0 ? std::size_t(n) : 0) {
      n = ::send(pair.a.fd(), chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    unsent.refused(pair.a.fd());
    EXPECT_EQ(unsent.bytes(), limit);
  };
  std::size_t little = 0;
  std::size_t more = 0;
  shard.run_until_done(taken(&shard, 64 * 1024, &little));
  shard.run_until_done(taken(&shard, 1 << 20, &more));
  EXPECT_GE(little, 64u * 1024);
  EXPECT_LT(little, 512u * 1024);
  EXPECT_GT(more, 2 * little);
}

TEST(UnsentLimitTest, FollowsWhatTheKernelMeasures) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto bulk = [](io::Shard* home) -> io::Task<void> {
    test::SocketPair pair = co_await test::socket_pair(*home);
    constexpr UnsentBounds kSmall{.least = 1024, .most = 64 * 1024};
    UnsentLimit unsent;
    unsent.follow(pair.a.fd(), kSmall);
    const std::string chunk(4096, 'x');
    std::string read(1 << 20, ' ');
    for (int turn = 0; turn < 100 && unsent.bytes() == kSmall.least; ++turn) {
      while (::send(pair.a.fd(), chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
      }
      unsent.refused(pair.a.fd());
      while (::recv(pair.b.fd(), read.data(), read.size(), MSG_DONTWAIT) > 0) {
      }
    }
    EXPECT_GT(unsent.bytes(), kSmall.least);
  };
  shard.run_until_done(bulk(&shard));
}

}  // namespace
}  // namespace roadstead::net
