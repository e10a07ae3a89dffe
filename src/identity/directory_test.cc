// SPDX-License-Identifier: Apache-2.0
#include "identity/directory.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace roadstead::identity {
namespace {

using std::chrono::hours;

constexpr std::string_view kUid = "1f2e3d4c-0000-4000-8000-000000000001";

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() : root_(make_root()) {
    snapshot_.user_roots = {root_};
    UserEntry lin;
    lin.login = "lin";
    lin.uid = kUid;
    lin.groups = {"dev", "ops"};
    snapshot_.users["lin"] = lin;
  }

  crypto::Certificate make_root() {
    crypto::CertificateTemplate t;
    t.common_name = "users";
    t.not_before = clock_.wall() - hours(1);
    t.not_after = clock_.wall() + hours(1000);
    t.ca = true;
    return *crypto::issue_self_signed(t, root_key_, random_);
  }
  std::string certificate(std::vector<std::string> groups, std::string uid = std::string(kUid)) {
    crypto::CertificateTemplate t;
    t.common_name = "lin";
    t.organizations = std::move(groups);
    t.uris = {tunnel::subject_uri({"user", "lin", std::move(uid)})};
    t.not_before = clock_.wall();
    t.not_after = clock_.wall() + hours(12);
    t.client_auth = true;
    const auto made = crypto::issue(t, crypto::PrivateKey::generate_p256().public_key(), root_,
                                    root_key_, random_);
    CHECK(made.ok(), made.error().message());
    snapshot_.serials.insert(made->serial_hex());
    return made->der();
  }
  Result<PrincipalPtr> authenticate(const std::string& der) {
    directory_.replace(std::make_shared<const Snapshot>(snapshot_));
    return directory_.authenticate(std::vector<std::string>{der});
  }
  static std::string group(const std::string& name) { return name + ':' + std::string(kUid); }

  FakeClock clock_;
  SystemRandom random_;
  crypto::PrivateKey root_key_ = crypto::PrivateKey::generate_p256();
  crypto::Certificate root_;
  Snapshot snapshot_;
  Directory directory_{clock_};
};

TEST_F(DirectoryTest, GroupsOfTheCertificateThatOneIsStillIn) {
  using Names = std::vector<std::string>;
  const std::string der = certificate({group("dev"), group("ops")});
  const auto both = authenticate(der);
  ASSERT_TRUE(both.ok()) << both.error().message();
  EXPECT_EQ((*both)->member_groups, (Names{"rs:group:dev:1f2e3d4c", "rs:group:ops:1f2e3d4c"}));

  snapshot_.users["lin"].groups = {"ops", "new"};
  const auto left = authenticate(der);
  ASSERT_TRUE(left.ok()) << "who leaves a group is not locked out";
  EXPECT_EQ((*left)->member_groups, Names{"rs:group:ops:1f2e3d4c"});
  EXPECT_FALSE(directory_.still_valid(**both).ok()) << "streams with the old groups end";
  EXPECT_TRUE(directory_.still_valid(**left).ok());
}

TEST_F(DirectoryTest, AMalformedGroupIsRefused) {
  EXPECT_FALSE(authenticate(certificate({"system:masters"})).ok());
  EXPECT_FALSE(authenticate(certificate({"system:masters:" + std::string(kUid)})).ok());
}

TEST_F(DirectoryTest, TellsWhyACredentialDoesNotCount) {
  const std::string der = certificate({});
  ASSERT_TRUE(authenticate(der).ok());
  const auto why = [&] { return authenticate(der).error().message(); };
  snapshot_.users["lin"].disabled = true;
  EXPECT_NE(why().find("disabled"), std::string::npos);
  snapshot_.users["lin"].disabled = false;
  snapshot_.users["lin"].uid = "2f2e3d4c-0000-4000-8000-000000000001";
  EXPECT_NE(why().find("does not exist"), std::string::npos);
  snapshot_.users["lin"].uid = kUid;
  snapshot_.serials.clear();
  EXPECT_NE(why().find("revoked"), std::string::npos);
  clock_.advance(hours(13));
  EXPECT_NE(why().find("expired"), std::string::npos);
}

TEST_F(DirectoryTest, AChainIsVerifiedOnceForASnapshot) {
  const std::string der = certificate({});
  const auto first = authenticate(der);
  ASSERT_TRUE(first.ok()) << first.error().message();
  const std::vector<std::string> chain{der};
  EXPECT_EQ(*directory_.authenticate(chain), *first) << "the same answer, not an equal one";
  const std::vector<std::string> longer{der, root_.der()};
  EXPECT_NE(*directory_.authenticate(longer), *first);
  EXPECT_NE(*authenticate(der), *first) << "users may have changed";
}

TEST_F(DirectoryTest, AKnownChainIsRefusedWhenItsCredentialOrItsTimeHasGone) {
  const std::string der = certificate({});
  const std::vector<std::string> chain{der};
  ASSERT_TRUE(authenticate(der).ok());
  clock_.advance(hours(13));
  EXPECT_FALSE(directory_.authenticate(chain).ok());
  clock_.set_wall_skew(-hours(13));
  EXPECT_TRUE(directory_.authenticate(chain).ok());
  clock_.set_wall_skew(-hours(15));
  EXPECT_FALSE(directory_.authenticate(chain).ok()) << "before it was issued";
  clock_.set_wall_skew(-hours(13));
  snapshot_.serials.clear();
  EXPECT_FALSE(authenticate(der).ok());
}

TEST_F(DirectoryTest, TheAuthoritysExpiryCountsForAKnownChain) {
  const std::string der = certificate({});
  ASSERT_TRUE(authenticate(der).ok());
  const KnownChains::Key key = KnownChains::key_of(std::vector<std::string>{der});
  KnownChains known;
  const auto snapshot = directory_.snapshot();
  const auto principal = *authenticate(der);
  known.put(key, {principal, snapshot, clock_.wall(), clock_.wall() + hours(1)});
  EXPECT_EQ(known.find(key, snapshot, clock_.wall() + hours(1)), principal);
  EXPECT_EQ(known.find(key, snapshot, clock_.wall() + hours(2)), nullptr);
  EXPECT_EQ(known.find(key, snapshot, clock_.wall() - hours(1)), nullptr);
  EXPECT_EQ(known.find(key, directory_.snapshot(), clock_.wall()), nullptr) << "another snapshot";
}

TEST(KnownChainsTest, IsBounded) {
  KnownChains known;
  const auto snapshot = std::make_shared<const Snapshot>();
  for (std::size_t i = 0; i < KnownChains::kMost + 1; ++i) {
    known.put(KnownChains::key_of(std::vector<std::string>{std::to_string(i)}),
              {nullptr, snapshot, WallTime(), WallTime()});
    EXPECT_LE(known.size(), KnownChains::kMost);
  }
  EXPECT_EQ(known.size(), 1u);
}

}  // namespace
}  // namespace roadstead::identity
