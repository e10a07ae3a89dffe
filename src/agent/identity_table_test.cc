// SPDX-License-Identifier: Apache-2.0
#include "agent/identity_table.h"

#include <gtest/gtest.h>

namespace roadstead::agent {
namespace {

using std::chrono::seconds;

tunnel::IdentityContext context(std::uint64_t id, std::string user) {
  tunnel::IdentityContext c;
  c.id = id;
  c.user = std::move(user);
  c.audience = "cluster";
  c.lifetime_seconds = 60;
  return c;
}

class IdentityTableTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  IdentityTable table_{clock_};
  std::uint64_t id_ = 0;
};

TEST_F(IdentityTableTest, FindsByNumberAndDigest) {
  const auto c = context(7, "rs:ann:00000001");
  ASSERT_TRUE(table_.admit(c).ok());
  const auto found = table_.find(c.field_value(), &id_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->user, "rs:ann:00000001");
  EXPECT_EQ(id_, 7U);
  // The same number with the digest of another person is nobody.
  EXPECT_FALSE(table_.find(context(7, "rs:bob:00000002").field_value(), &id_).ok());
  for (const char* bad :
       {"", "7", "0000000000000007", "0000000000000007.", "000000000000000g.0123456789abcdef"}) {
    EXPECT_FALSE(table_.find(bad, &id_).ok()) << bad;
  }
}

TEST_F(IdentityTableTest, ExpiresAfterLifetimeAndGraceUnlessRenewed) {
  const auto c = context(1, "a");
  ASSERT_TRUE(table_.admit(c).ok());
  clock_.advance(seconds(64));
  EXPECT_TRUE(table_.find(c.field_value(), &id_).ok());
  ASSERT_TRUE(table_.admit(c).ok());
  clock_.advance(seconds(64));
  EXPECT_TRUE(table_.find(c.field_value(), &id_).ok());
  clock_.advance(seconds(1));
  EXPECT_FALSE(table_.find(c.field_value(), &id_).ok());
  table_.expire();
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_FALSE(table_.admit(c).ok()) << "a number is never reused";
}

TEST_F(IdentityTableTest, AWrongWallClockChangesNothing) {
  const auto c = context(1, "a");
  ASSERT_TRUE(table_.admit(c).ok());
  clock_.set_wall_skew(std::chrono::hours(1000));
  table_.expire();
  EXPECT_TRUE(table_.find(c.field_value(), &id_).ok());
}

TEST_F(IdentityTableTest, RevokingEndsRunningStreamsOnce) {
  const auto c = context(1, "a");
  ASSERT_TRUE(table_.admit(c).ok());
  int ended = 0;
  auto guard = table_.attach(1, [&ended] { ++ended; });
  table_.revoke(1);
  table_.revoke(1);
  table_.expire();
  EXPECT_EQ(ended, 1);
  EXPECT_FALSE(table_.find(c.field_value(), &id_).ok());
  EXPECT_FALSE(table_.admit(c).ok());
  guard.reset();
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(IdentityTableTest, ANumberCannotChangeHands) {
  ASSERT_TRUE(table_.admit(context(3, "a")).ok());
  EXPECT_FALSE(table_.admit(context(3, "b")).ok());
}

TEST_F(IdentityTableTest, ARenewalMayComeWithOtherGroups) {
  auto c = context(4, "a");
  c.groups = {"rs:group:dev:00000001", "rs:group:ops:00000001"};
  ASSERT_TRUE(table_.admit(c, {"rs:group:dev:00000001"}).ok());
  const auto before = table_.find(c.field_value(), &id_);
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(table_.admit(c, c.groups).ok());
  EXPECT_EQ((*before)->groups.size(), 1U) << "a running request keeps what it began with";
  EXPECT_EQ((*table_.find(c.field_value(), &id_))->groups, c.groups);
}

TEST_F(IdentityTableTest, HoldsAtMost4096) {
  for (std::uint64_t i = 1; i <= 4096; ++i) {
    ASSERT_TRUE(table_.admit(context(i, "a")).ok());
  }
  const auto r = table_.admit(context(5000, "a"));
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().kind(), ErrorKind::TooManyRequests);
}

TEST(LocalRules, DenySystemNamesWhateverTheHubSays) {
  const LocalRules rules;
  EXPECT_FALSE(rules.check(context(1, "system:admin")).ok());
  auto c = context(1, "rs:ann:00000001");
  EXPECT_TRUE(rules.check(c).ok());
  c.groups = {"rs:group:dev:00000001", "system:masters"};
  const auto r = rules.check(c);
  ASSERT_FALSE(r.ok());
  EXPECT_NE(r.error().message().find("system:masters"), std::string::npos);
}

}  // namespace
}  // namespace roadstead::agent
