// SPDX-License-Identifier: Apache-2.0
#include "pki/authorities.h"

#include <gtest/gtest.h>

#include <map>

#include "io/simulated_loop.h"
#include "pki/memory_secrets_test_support.h"

namespace roadstead::pki {
namespace {

class AuthoritiesTest : public testing::Test {
 protected:
  Authorities load() {
    auto all = loop_.wait_for(load_or_create_authorities(loop_, store_, sealing_, clock_, random_));
    CHECK(all.ok(), all.error().message());
    return std::move(*all);
  }
  Result<void> rotate() {
    return loop_.wait_for(rotate_hub_authority(loop_, store_, sealing_, clock_, random_));
  }
  std::vector<crypto::Certificate> server_chain(const Authorities& all) {
    const auto made = issue_server_identity(all, "hub", {"hub.test"}, {}, clock_.wall());
    CHECK(made.ok(), made.error().message());
    return *crypto::Certificate::chain_from_pem(made->chain_pem);
  }
  Result<void> verify(const std::vector<crypto::Certificate>& chain,
                      const std::vector<crypto::Certificate>& roots) {
    return crypto::verify_chain(chain, roots, clock_.wall(), crypto::Purpose::ServerAuth);
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SystemRandom random_;
  crypto::SealedBox sealing_ = test::sealed_box(random_);
  test::MemorySecrets store_;
};

TEST_F(AuthoritiesTest, AreMadeOnceAndKeptSealed) {
  const std::string first = load().hub->certificate().fingerprint();
  EXPECT_EQ(load().hub->certificate().fingerprint(), first);
  const std::string tickets(load().tunnel_tickets.reveal());
  EXPECT_EQ(tickets.size(), 32u);
  EXPECT_EQ(load().tunnel_tickets.reveal(), tickets);
  for (const auto& [name, blob] : store_.blobs()) {
    EXPECT_EQ(blob.bytes.find("PRIVATE KEY"), std::string::npos) << name;
  }
}

TEST_F(AuthoritiesTest, EachVouchesForItsOwnDomainOnly) {
  const Authorities all = load();
  const auto chain = server_chain(all);
  EXPECT_TRUE(verify(chain, {all.hub->certificate()}).ok());
  EXPECT_FALSE(verify(chain, {all.agents->certificate()}).ok());
  EXPECT_FALSE(verify(chain, {all.users->certificate()}).ok());
}

TEST_F(AuthoritiesTest, AfterARotationWhoKnowsEitherAuthorityTrustsTheHub) {
  const Authorities before = load();
  const auto old_chain = server_chain(before);
  clock_.advance(std::chrono::hours(24));
  ASSERT_TRUE(rotate().ok());
  const Authorities after = load();
  const crypto::Certificate& old_root = before.hub->certificate();
  const crypto::Certificate& new_root = after.hub->certificate();
  EXPECT_NE(new_root.fingerprint(), old_root.fingerprint());

  const auto chain = server_chain(after);
  EXPECT_TRUE(verify(chain, {old_root}).ok()) << verify(chain, {old_root}).error().message();
  EXPECT_TRUE(verify(chain, {new_root}).ok()) << verify(chain, {new_root}).error().message();
  EXPECT_TRUE(verify(chain, {new_root, old_root}).ok());
  // Who pins one of them finds it in the chain.
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_EQ(chain[2].fingerprint(), new_root.fingerprint());
  EXPECT_EQ(chain[3].fingerprint(), old_root.fingerprint());
  // What was issued before is still good for those who have the bundle.
  const auto bundle = crypto::Certificate::chain_from_pem(hub_roots_pem(after, clock_.wall()));
  ASSERT_EQ(bundle->size(), 2u);
  EXPECT_EQ(bundle->front().fingerprint(), new_root.fingerprint());
  EXPECT_TRUE(verify(old_chain, *bundle).ok());
  // Agents' and users' authorities are others, and stay.
  EXPECT_EQ(after.agents->certificate().fingerprint(), before.agents->certificate().fingerprint());
}

TEST_F(AuthoritiesTest, TheOldAuthorityEndsAfterTheOverlap) {
  const Authorities before = load();
  ASSERT_TRUE(rotate().ok());
  const auto again = rotate();
  EXPECT_EQ(again.error().kind(), ErrorKind::AlreadyExists);
  clock_.advance(kAuthorityOverlap);
  const Authorities after = load();
  EXPECT_EQ(crypto::Certificate::chain_from_pem(hub_roots_pem(after, clock_.wall()))->size(), 1u);
  const auto chain = server_chain(after);
  EXPECT_EQ(chain.size(), 2u);
  EXPECT_FALSE(verify(chain, {before.hub->certificate()}).ok());
  EXPECT_TRUE(rotate().ok());
}

TEST_F(AuthoritiesTest, IsDueInItsLastThird) {
  const Authorities all = load();
  EXPECT_FALSE(hub_authority_is_due(all, clock_.wall() + std::chrono::hours(24 * 365 * 6)));
  EXPECT_TRUE(hub_authority_is_due(all, clock_.wall() + std::chrono::hours(24 * 365 * 7)));
}

}  // namespace
}  // namespace roadstead::pki
