// SPDX-License-Identifier: Apache-2.0
// From a token to a lane and through renewals, with a hub and a store that tests control.
#include "agent/keeper.h"

#include <gtest/gtest.h>

#include "agent/pipe_hub_test_support.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "net/connect_fault.h"

namespace roadstead::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class MemoryStore final : public CredentialStore {
 public:
  MemoryStore(World& world, Credentials first) : stored(std::move(first)), changed_(world.loop) {}

  io::Task<Result<Credentials>> load() override {
    if (failure.has_value()) {
      co_return *failure;
    }
    co_return stored;
  }
  io::Task<Result<Credentials>> save(Credentials next) override {
    if (failure.has_value()) {
      co_return *failure;
    }
    if (next.version != stored.version) {
      co_return Error(ErrorKind::Conflict, "changed");
    }
    put(std::move(next));
    ++saves;
    co_return stored;
  }
  io::Task<Result<Credentials>> changed(std::string version) override {
    while (!closed_ && stored.version == version) {
      co_await changed_.wait();
    }
    if (closed_) {
      co_return Error(ErrorKind::Cancelled, "closed");
    }
    co_return stored;
  }
  void close() override {
    closed_ = true;
    changed_.pulse();
  }
  std::string where() const override { return "memory"; }

  // As another replica or the owner would.
  void put(Credentials next) {
    next.version = std::to_string(++version_);
    stored = std::move(next);
    changed_.pulse();
  }

  Credentials stored;
  std::optional<Error> failure;
  int saves = 0;

 private:
  io::Event changed_;
  bool closed_ = false;
  int version_ = 1;
};

class SwitchedLeadership final : public Leadership {
 public:
  bool held() const override { return held_; }
  io::Task<void> run() override { co_return; }
  void stop() override {}
  void set(bool held) {
    held_ = held;
    changed();
  }

 private:
  bool held_ = true;
};

class KeeperTest : public ::testing::Test, public KeeperEvents {
 protected:
  ~KeeperTest() override { stop(); }

  void start(Credentials first) {
    store_ = std::make_unique<MemoryStore>(world_, std::move(first));
    keeper_ =
        std::make_unique<CredentialKeeper>(world_.loop, *store_, leadership_, enroller_, *this,
                                           world_.random, std::nullopt, telemetry::Logger());
    group_.spawn(keeper_->run());
    world_.settle();
  }
  void stop() {
    if (keeper_ != nullptr) {
      keeper_->stop();
      world_.loop.run_until_done(group_.join());
    }
  }
  Credentials with_token() {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    c.token = Secret("token-1");
    return c;
  }
  Credentials with_certificate(Duration life = hours(168)) {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    enrol_by_hand(c, hub_ca_, life);
    return c;
  }

  void on_identity(HubIdentityPtr identity) override { identities_.push_back(identity); }
  void on_removed() override { ++removals_; }
  void on_keeper_failure(const Failure& failure) override { failures_.push_back(failure); }
  void on_keeper_well() override {}
  bool send_to_hub(const codec::json::object& message) override {
    if (lane_up_) {
      sent_.push_back(message);
    }
    return lane_up_;
  }
  AgentFacts facts() override {
    return {"pod-1", "roadstead-agent test", "cafe", "", "v1.36.3", "linux/amd64"};
  }

  io::Task<void> serve_enrolment(http::ServerExchange& exchange) {
    const http::RequestHead head = exchange.request();
    auto body = co_await http::read_whole(exchange, 1 << 20);
    CHECK(body.ok(), "body");
    auto json = codec::parse_json(*body);
    CHECK(json.ok(), "json");
    posts_.push_back({head, *json});
    if (status_ != 200) {
      co_await reply(exchange, status_, kube::to_body({.code = status_, .message = words_}));
      co_return;
    }
    const codec::json::object answer{
        {"certificate", hub_ca_.answer_csr(codec::string_at(*json, {"csr"}), life_)},
        {"userRoots", user_ca_.pem()},
        {"hubRoots", hub_ca_.pem()},
        {"audience", audience_}};
    co_await reply(exchange, 200, codec::write_json(answer));
  }

  struct Post {
    http::RequestHead head;
    codec::json::value body;
  };

  World world_;
  TestCa hub_ca_{world_, "hub"};
  TestCa user_ca_{world_, "users"};
  PipeHub hub_{world_, [this](http::ServerExchange& e) { return serve_enrolment(e); }};
  Enroller enroller_{hub_, world_.loop, std::nullopt};
  SwitchedLeadership leadership_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<CredentialKeeper> keeper_;
  io::TaskGroup group_{world_.loop};
  std::vector<HubIdentityPtr> identities_;
  std::vector<Failure> failures_;
  std::vector<codec::json::object> sent_;
  std::vector<Post> posts_;
  int removals_ = 0;
  bool lane_up_ = false;
  int status_ = 200;
  std::string words_;
  std::string audience_{kClusterUid};
  Duration life_ = hours(168);
};

TEST_F(KeeperTest, EnrolsWithTheTokenAndErasesIt) {
  start(with_token());
  ASSERT_EQ(posts_.size(), 1U);
  EXPECT_EQ(posts_[0].head.target, kEnrolPath);
  EXPECT_EQ(posts_[0].head.authority, tunnel::kEnrolmentName);
  EXPECT_EQ(*posts_[0].head.headers.find("authorization"), "Bearer token-1");
  EXPECT_EQ(codec::string_at(posts_[0].body, {"cluster"}), "ack");
  EXPECT_EQ(codec::string_at(posts_[0].body, {"replica"}), "pod-1");
  EXPECT_EQ(codec::string_at(posts_[0].body, {"kubernetesVersion"}), "v1.36.3");
  EXPECT_EQ(codec::string_at(posts_[0].body, {"apiServerCAFingerprint"}), "cafe");
  ASSERT_EQ(identities_.size(), 1U);
  EXPECT_EQ(identities_[0]->cluster, "ack");
  EXPECT_EQ(identities_[0]->trust->audience, kClusterUid);
  EXPECT_TRUE(store_->stored.token.empty());
  EXPECT_TRUE(store_->stored.next_key_pem.empty());
  EXPECT_TRUE(store_->stored.has_certificate());
  EXPECT_EQ(store_->saves, 2) << "the key before the token is used, then the certificate";
}

TEST_F(KeeperTest, UsesTheSameKeyAgainAfterACrashBetween) {
  Credentials c = with_token();
  const crypto::PrivateKey kept = crypto::PrivateKey::generate_p256();
  c.next_key_pem = kept.pem();
  start(c);
  ASSERT_EQ(identities_.size(), 1U);
  EXPECT_EQ(identities_[0]->certificate.public_key().der(), kept.public_key().der());
}

TEST_F(KeeperTest, OnlyTheLeaderEnrolsTheOtherFollowsTheStore) {
  leadership_.set(false);
  start(with_token());
  EXPECT_TRUE(posts_.empty());
  EXPECT_TRUE(identities_.empty());
  Credentials enrolled = with_certificate();
  store_->put(enrolled);
  world_.run_for(seconds(2));
  EXPECT_EQ(identities_.size(), 1U);
  EXPECT_TRUE(posts_.empty());
}

TEST_F(KeeperTest, TakesOverWhenItBecomesTheLeader) {
  leadership_.set(false);
  start(with_token());
  leadership_.set(true);
  world_.settle();
  EXPECT_EQ(identities_.size(), 1U);
}

TEST_F(KeeperTest, AnAppliedManifestWithTheUsedTokenChangesNothing) {
  start(with_token());
  ASSERT_EQ(posts_.size(), 1U);
  Credentials again = store_->stored;
  again.token = Secret("token-1");
  store_->put(again);
  world_.run_for(minutes(10));
  EXPECT_EQ(posts_.size(), 1U);
  EXPECT_TRUE(store_->stored.token.empty()) << "a dead token does not lie about either";
  again = store_->stored;
  again.token = Secret("token-2");
  store_->put(again);
  world_.run_for(minutes(1));
  EXPECT_EQ(posts_.size(), 2U);
}

TEST_F(KeeperTest, SaysThatTheTokenWasUsed) {
  status_ = 401;
  words_ = "the registration token was used already";
  start(with_token());
  ASSERT_FALSE(failures_.empty());
  EXPECT_EQ(failures_.back().reason, "TokenUsed");
  EXPECT_NE(failures_.back().fix.find("Download a new manifest"), std::string::npos);
  world_.run_for(minutes(1));
  EXPECT_EQ(posts_.size(), 1U) << "no hammering with a token that is refused";
}

TEST_F(KeeperTest, StopsForGoodWhenTheClusterWasRemoved) {
  status_ = 410;
  words_ = "cluster \"ack\" was removed";
  start(with_token());
  EXPECT_EQ(removals_, 1);
  EXPECT_EQ(failures_.back().reason, "ClusterRemoved");
  world_.run_for(hours(3));
  EXPECT_LE(posts_.size(), 4U) << "asked again only with the hourly look at the store";
}

TEST_F(KeeperTest, ReportsAnotherApiServer) {
  status_ = 409;
  words_ = "cluster \"ack\" belongs to another API server";
  start(with_token());
  EXPECT_EQ(failures_.back().reason, "OtherApiServer");
}

TEST_F(KeeperTest, RedialsAHubThatIsAwayAndThenEnrols) {
  hub_.enrolment_failure =
      net::with_fault(Error(ErrorKind::Network, "connect 192.0.2.1:8443: connection refused"),
                      net::ConnectFault::ConnectionRefused);
  start(with_token());
  EXPECT_EQ(failures_.back().reason, "ConnectionRefused");
  world_.run_for(minutes(5));
  EXPECT_GE(hub_.enrolment_dials, 8);
  EXPECT_LE(hub_.enrolment_dials, 60);
  hub_.enrolment_failure.reset();
  world_.run_for(seconds(40));
  EXPECT_EQ(identities_.size(), 1U);
}

TEST_F(KeeperTest, RefusesACertificateForAnotherClusterObject) {
  audience_ = "3f0c1c0e-0000-4000-8000-00000000ffff";
  start(with_token());
  EXPECT_TRUE(identities_.empty());
  EXPECT_EQ(failures_.back().reason, "BadCertificate");
  EXPECT_FALSE(store_->stored.has_certificate());
}

TEST_F(KeeperTest, RenewsOverTheTunnelAtTwoThirds) {
  lane_up_ = true;
  start(with_certificate(hours(3)));
  world_.run_for(minutes(119));
  EXPECT_TRUE(sent_.empty());
  world_.run_for(seconds(65));
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(tunnel::message_type(sent_[0]), "renew");
  const std::string old_key(store_->stored.private_key_pem.reveal());
  ASSERT_TRUE(
      keeper_->on_hub_message({{"type", "certificate"},
                               {"certificate", hub_ca_.answer_csr(sent_[0].at("csr").as_string())},
                               {"userRoots", user_ca_.pem()},
                               {"hubRoots", hub_ca_.pem()}}));
  world_.settle();
  ASSERT_EQ(identities_.size(), 2U);
  EXPECT_EQ(store_->stored.certificate_pem, identities_[1]->certificate.pem());
  EXPECT_NE(store_->stored.private_key_pem.reveal(), old_key) << "a new key each time";
  EXPECT_TRUE(posts_.empty());
}

TEST_F(KeeperTest, IgnoresACertificateThatItDidNotAskFor) {
  start(with_certificate());
  const auto key = crypto::PrivateKey::generate_p256();
  const auto stranger =
      hub_ca_.issue(key.public_key(), {"cluster", "ack", std::string(kClusterUid)});
  keeper_->on_hub_message({{"type", "certificate"}, {"certificate", stranger.pem()}});
  world_.settle();
  EXPECT_EQ(identities_.size(), 1U);
}

TEST_F(KeeperTest, RenewsByPostWithProofWhenThereIsNoLane) {
  start(with_certificate(hours(3)));
  const Credentials old = store_->stored;
  world_.run_for(minutes(121));
  ASSERT_EQ(posts_.size(), 1U);
  EXPECT_EQ(posts_[0].head.target, kRenewalPath);
  EXPECT_FALSE(posts_[0].head.headers.has("authorization"));
  const auto key = crypto::PrivateKey::from_pem(old.private_key_pem);
  auto proof = codec::base64_decode(codec::string_at(posts_[0].body, {"proof"}));
  ASSERT_TRUE(proof.ok());
  const std::string signed_text = "roadstead-renewal-v1\n" + std::string(64, '0') + "\n" +
                                  crypto::sha256_hex(codec::string_at(posts_[0].body, {"csr"}));
  EXPECT_TRUE(key->public_key().verify(signed_text, *proof));
  EXPECT_EQ(identities_.size(), 2U);
}

TEST_F(KeeperTest, RenewsAnExpiredCertificateByPost) {
  Credentials c = with_certificate(hours(1));
  world_.clock.advance(hours(48));
  lane_up_ = true;
  start(c);
  ASSERT_EQ(posts_.size(), 1U);
  EXPECT_EQ(posts_[0].head.target, kRenewalPath);
}

TEST_F(KeeperTest, AsksByPostWhenTheTunnelDoesNotAnswer) {
  lane_up_ = true;
  start(with_certificate(hours(3)));
  world_.run_for(minutes(121));
  EXPECT_EQ(sent_.size(), 1U);
  EXPECT_EQ(posts_.size(), 1U) << "15 s later";
  EXPECT_EQ(identities_.size(), 2U);
}

TEST_F(KeeperTest, KeepsTheCertificateWhileTheStoreIsAwayAndSavesItLater) {
  start(with_certificate(hours(3)));
  store_->failure = Error(ErrorKind::Unavailable, "connect: connection refused");
  world_.run_for(minutes(121));
  EXPECT_EQ(identities_.size(), 2U);
  EXPECT_EQ(failures_.back().reason, "CredentialsNotSaved");
  store_->failure.reset();
  world_.run_for(minutes(1));
  EXPECT_EQ(store_->stored.certificate_pem, identities_[1]->certificate.pem());
}

TEST_F(KeeperTest, AConflictKeepsWhatTheOwnerWrote) {
  Credentials c = with_certificate(hours(3));
  start(c);
  world_.run_for(minutes(119));
  // The owner moves the hub in the same moment in which a renewal is saved.
  Credentials edited = store_->stored;
  edited.hub = "hub2.test:443";
  lane_up_ = true;
  world_.run_for(seconds(65));
  store_->stored.version = "owner";
  store_->stored.hub = edited.hub;
  keeper_->on_hub_message({{"type", "certificate"},
                           {"certificate", hub_ca_.answer_csr(sent_.at(0).at("csr").as_string())}});
  world_.run_for(seconds(5));
  EXPECT_EQ(store_->stored.hub, "hub2.test:443");
  EXPECT_EQ(identities_.back()->hub.host, "hub2.test");
  EXPECT_NE(store_->stored.certificate_pem, c.certificate_pem);
}

TEST_F(KeeperTest, TakesANewBundleOverTheTunnel) {
  start(with_certificate());
  TestCa next(world_, "next users");
  keeper_->on_hub_message({{"type", "bundle"}, {"userRoots", user_ca_.pem() + next.pem()}});
  world_.settle();
  ASSERT_EQ(identities_.size(), 2U);
  EXPECT_EQ(identities_[1]->trust->user_roots.size(), 2U);
  EXPECT_EQ(store_->stored.user_roots_pem, user_ca_.pem() + next.pem());
  keeper_->on_hub_message({{"type", "bundle"}, {"userRoots", "nonsense"}});
  world_.settle();
  EXPECT_EQ(identities_.size(), 2U);
}

TEST_F(KeeperTest, SaysWhatIsMissing) {
  start(test_credentials(hub_ca_, user_ca_));
  EXPECT_EQ(failures_.back().reason, "NoRegistrationToken");
}

TEST_F(KeeperTest, IsToldThatTheClusterWasRemovedAndComesBackWithAFreshToken) {
  start(with_certificate());
  keeper_->on_hub_message({{"type", "removed"}});
  EXPECT_EQ(removals_, 1);
  world_.run_for(hours(1));
  EXPECT_EQ(identities_.size(), 1U);
  store_->put(with_token());
  world_.run_for(seconds(2));
  EXPECT_EQ(identities_.size(), 2U);
}

}  // namespace
}  // namespace roadstead::agent
