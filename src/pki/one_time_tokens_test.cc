// SPDX-License-Identifier: Apache-2.0
#include "pki/one_time_tokens.h"

#include <gtest/gtest.h>

#include "io/simulated_loop.h"
#include "pki/memory_secrets_test_support.h"

namespace roadstead::pki {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class OneTimeTokensTest : public testing::Test {
 protected:
  Secret mint(std::string subject) {
    auto minted = loop_.wait_for(tokens_.mint(loop_, std::move(subject), hours(1)));
    CHECK(minted.ok(), "mint");
    return minted->token;
  }
  Result<std::string> redeem(const Secret& token, std::string key) {
    return loop_.wait_for(tokens_.redeem(loop_, token, std::move(key)));
  }
  std::string why(const Secret& token, std::string key) {
    const auto refused = redeem(token, std::move(key));
    EXPECT_EQ(refused.error().kind(), ErrorKind::Unauthenticated);
    return refused.error().message();
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SystemRandom random_;
  test::MemorySecrets store_;
  OneTimeTokens tokens_{store_, clock_, random_, "registration", "rst_"};
};

TEST_F(OneTimeTokensTest, IsGoodOnceAndForItsSubject) {
  const Secret token = mint("uid-1");
  EXPECT_EQ(*redeem(token, "key-a"), "uid-1");
  EXPECT_NE(why(token, "key-b").find("was used"), std::string::npos);
}

TEST_F(OneTimeTokensTest, ALostAnswerCanBeAskedForAgainWithTheSameKey) {
  const Secret token = mint("uid-1");
  ASSERT_TRUE(redeem(token, "key-a").ok());
  clock_.advance(minutes(9));
  EXPECT_TRUE(redeem(token, "key-a").ok());
  clock_.advance(minutes(2));
  EXPECT_NE(why(token, "key-a").find("was used"), std::string::npos);
}

TEST_F(OneTimeTokensTest, ExpiredAndUnknownAreToldApart) {
  const Secret token = mint("uid-1");
  clock_.advance(hours(1));
  EXPECT_NE(why(token, "key-a").find("expired"), std::string::npos);
  EXPECT_NE(why(Secret("rst_none"), "key-a").find("unknown"), std::string::npos);
}

TEST_F(OneTimeTokensTest, NothingOfATokenIsStored) {
  const Secret token = mint("uid-1");
  for (const auto& [name, blob] : store_.blobs()) {
    EXPECT_EQ((name + blob.bytes).find(token.reveal()), std::string::npos);
    EXPECT_EQ((name + blob.bytes).find(token.reveal().substr(4, 16)), std::string::npos);
  }
}

TEST_F(OneTimeTokensTest, OldOnesAreForgotten) {
  static_cast<void>(mint("uid-1"));
  const Secret other = mint("uid-2");
  ASSERT_TRUE(loop_.wait_for(tokens_.sweep(loop_, "uid-1")).ok());
  EXPECT_EQ(store_.blobs().size(), 1u);
  EXPECT_TRUE(redeem(other, "key-a").ok());
  clock_.advance(hours(26));
  ASSERT_TRUE(loop_.wait_for(tokens_.sweep(loop_, "")).ok());
  EXPECT_TRUE(store_.blobs().empty());
}

}  // namespace
}  // namespace roadstead::pki
