// SPDX-License-Identifier: Apache-2.0
#include "api/rate_limit.h"

#include <gtest/gtest.h>

namespace roadstead::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimit, ABurstThenASteadyRateForEachSource) {
  FakeClock clock;
  RateLimit limit(clock, {2, 3}, {1000, 1000}, 10);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limit.take("a").has_value());
  }
  const auto wait = limit.take("a");
  ASSERT_TRUE(wait.has_value());
  EXPECT_EQ(*wait, milliseconds(500));
  EXPECT_FALSE(limit.take("b").has_value()) << "another source is not disturbed";
  clock.advance(milliseconds(500));
  EXPECT_FALSE(limit.take("a").has_value());
  EXPECT_TRUE(limit.take("a").has_value());
  clock.advance(seconds(60));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limit.take("a").has_value());
  }
  EXPECT_TRUE(limit.take("a").has_value()) << "quiet time saves up the burst and no more";
}

TEST(RateLimit, AllTogetherAreLimitedToo) {
  FakeClock clock;
  RateLimit limit(clock, {1, 1}, {10, 5}, 100);
  int passed = 0;
  for (int i = 0; i < 20; ++i) {
    passed += limit.take("s" + std::to_string(i)).has_value() ? 0 : 1;
  }
  EXPECT_EQ(passed, 5);
  clock.advance(milliseconds(100));
  EXPECT_FALSE(limit.take("new").has_value());
  EXPECT_TRUE(limit.take("newer").has_value());
}

TEST(RateLimit, RemembersABoundedNumberOfSources) {
  FakeClock clock;
  RateLimit limit(clock, {1, 2}, {1e9, 1e9}, 8);
  static_cast<void>(limit.take("kept"));
  for (int i = 0; i < 1000; ++i) {
    static_cast<void>(limit.take(std::to_string(i)));
    if (i % 4 == 0) {
      static_cast<void>(limit.take("kept"));
    }
    EXPECT_LE(limit.sources(), 8u);
  }
  EXPECT_TRUE(limit.take("kept").has_value()) << "who calls often is not forgotten";
}

TEST(RateLimit, OneHostIsOneSource) {
  EXPECT_EQ(RateLimit::source_of("192.0.2.1:4000"), RateLimit::source_of("192.0.2.1:5000"));
  EXPECT_NE(RateLimit::source_of("192.0.2.1:4000"), RateLimit::source_of("192.0.2.2:4000"));
  EXPECT_EQ(RateLimit::source_of("[2001:db8:0:1::1]:4000"),
            RateLimit::source_of("[2001:db8:0:1:ffff::9]:1"));
  EXPECT_NE(RateLimit::source_of("[2001:db8:0:1::1]:4000"),
            RateLimit::source_of("[2001:db8:0:2::1]:4000"));
}

}  // namespace
}  // namespace roadstead::api
