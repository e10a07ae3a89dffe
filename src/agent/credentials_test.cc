// SPDX-License-Identifier: Apache-2.0
// The Secret's form, and the state directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "agent/agent_test_support.h"
#include "agent/credential_stores.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "io/shard.h"

namespace roadstead::agent {
namespace {

using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern = ::testing::TempDir() + "agent-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~CredentialsTest() override { std::filesystem::remove_all(directory_); }

  Credentials with_token(std::string token) {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    c.token = Secret(std::move(token));
    c.version.clear();
    return c;
  }
  // A manifest as the hub makes it: several documents, the Secret among them.
  static std::string manifest(const Credentials& c) {
    codec::json::value secret = c.to_secret(nullptr);
    secret.as_object()["metadata"] = {{"name", "roadstead-agent"}, {"namespace", "roadstead"}};
    return "# comment\nkind: Namespace\nmetadata: {name: roadstead}\n---\n" +
           codec::write_json(secret) + "\n---\nkind: Lease\nmetadata: {name: roadstead-agent}\n";
  }
  std::string state() const { return directory_ + "/state"; }
  Result<std::unique_ptr<FileCredentialStore>> open(const std::string& bootstrap) {
    return FileCredentialStore::open(state(), bootstrap, "roadstead-agent", shard_, pool_);
  }

  World world_;
  TestCa hub_ca_{world_, "hub"};
  TestCa user_ca_{world_, "users"};
  std::string directory_;
  SystemClock clock_;
  io::Shard shard_{clock_};
  io::BlockingPool pool_{1, 16};
};

TEST_F(CredentialsTest, RoundTripsThroughTheSecretAndKeepsWhatIsNotOurs) {
  Credentials c = with_token("t");
  c.private_key_pem = Secret("key");
  c.certificate_pem = "certificate";
  c.version = "7";
  codec::json::value base =
      codec::parse_json(
          R"({"kind":"Secret","metadata":{"name":"roadstead-agent","labels":{"a":"b"}},
          "data":{"other":"eA==","token":"b2xk"}})")
          .value();
  const codec::json::value secret = c.to_secret(base);
  EXPECT_EQ(codec::string_at(secret, {"metadata", "labels", "a"}), "b");
  EXPECT_EQ(codec::string_at(secret, {"data", "other"}), "eA==");
  EXPECT_EQ(codec::string_at(secret, {"metadata", "resourceVersion"}), "7");
  const auto back = Credentials::from_secret(secret);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->token.reveal(), "t");
  EXPECT_EQ(back->private_key_pem.reveal(), "key");
  EXPECT_EQ(back->hub_roots_pem, c.hub_roots_pem);
  EXPECT_EQ(back->version, "7");
  c.token = Secret();
  EXPECT_EQ(codec::find(c.to_secret(base), {"data", "token"}), nullptr) << "erased";
}

TEST_F(CredentialsTest, WithTheTokenItsCopyInKubectlsAnnotationGoes) {
  constexpr std::string_view kApplied = "kubectl.kubernetes.io/last-applied-configuration";
  Credentials c = with_token("t");
  codec::json::value base = c.to_secret(nullptr);
  const std::string applied = codec::write_json(
      codec::json::object{{"kind", "Secret"}, {"data", {{"token", "dA=="}, {"hub", "aA=="}}}});
  base.as_object()["metadata"] = {{"annotations", {{kApplied, applied}, {"other", "kept"}}}};
  EXPECT_EQ(codec::string_at(c.to_secret(base), {"metadata", "annotations", kApplied}), applied)
      << "while the token may still be needed";
  c.token = Secret();
  const codec::json::value saved = c.to_secret(base);
  const std::string_view kept = codec::string_at(saved, {"metadata", "annotations", kApplied});
  EXPECT_EQ(kept, R"({"kind":"Secret","data":{"hub":"aA=="}})")
      << "kubectl apply goes on knowing what it had applied";
  EXPECT_EQ(codec::string_at(saved, {"metadata", "annotations", "other"}), "kept");
  base.at("metadata").at("annotations").as_object()[kApplied] = "{damaged dA==";
  EXPECT_EQ(codec::find(c.to_secret(base), {"metadata", "annotations", kApplied}), nullptr);
}

TEST_F(CredentialsTest, NamesTheKeyThatIsMissingOrDamaged) {
  Credentials c = with_token("t");
  c.user_roots_pem.clear();
  EXPECT_THAT(Credentials::from_secret(c.to_secret(nullptr)).error().message(),
              HasSubstr("user-roots.pem"));
  codec::json::value secret = with_token("t").to_secret(nullptr);
  secret.as_object()["data"].as_object()["hub"] = "%%%";
  EXPECT_THAT(Credentials::from_secret(secret).error().message(), HasSubstr("data[\"hub\"]"));
}

TEST_F(CredentialsTest, AUsedTokenIsNotFresh) {
  Credentials c = with_token("t");
  EXPECT_TRUE(c.has_fresh_token());
  c.used_token = crypto::sha256_hex("t");
  EXPECT_FALSE(c.has_fresh_token());
  c.token = Secret("u");
  EXPECT_TRUE(c.has_fresh_token());
}

TEST_F(CredentialsTest, AStateDirectoryIsSeededByTheManifest) {
  const auto none = open("");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message(), HasSubstr("--bootstrap"));
  {
    auto store = open(manifest(with_token("t")));
    ASSERT_TRUE(store.ok()) << store.error().message();
    const auto loaded = shard_.wait_for((*store)->load());
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->token.reveal(), "t");
    struct stat info{};
    ASSERT_EQ(::stat((state() + "/credentials.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    const auto second = open("");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::AlreadyExists);
  }
  EXPECT_TRUE(open("").ok()) << "the lock ends with its process";
  EXPECT_THAT(open("kind: Pod").error().message(), HasSubstr("no Secret \"roadstead-agent\""));
}

TEST_F(CredentialsTest, TheBootstrapFileMayStayOnTheCommandLine) {
  const std::string bootstrap = manifest(with_token("t"));
  {
    auto store = std::move(open(bootstrap)).value();
    Credentials c = shard_.wait_for(store->load()).value();
    c.used_token = crypto::sha256_hex("t");
    c.token = Secret();
    enrol_by_hand(c, hub_ca_);
    ASSERT_TRUE(shard_.wait_for(store->save(c)).ok());
  }
  {
    auto store = std::move(open(bootstrap)).value();
    const Credentials c = shard_.wait_for(store->load()).value();
    EXPECT_TRUE(c.has_certificate());
    EXPECT_FALSE(c.has_fresh_token());
  }
  {
    auto store = std::move(open(manifest(with_token("newer")))).value();
    const Credentials c = shard_.wait_for(store->load()).value();
    EXPECT_TRUE(c.has_certificate()) << "kept until the token was used";
    EXPECT_TRUE(c.has_fresh_token());
  }
  Credentials other = with_token("x");
  other.cluster_uid = "3f0c1c0e-0000-4000-8000-0000000000ff";
  auto store = std::move(open(manifest(other))).value();
  EXPECT_FALSE(shard_.wait_for(store->load())->has_certificate()) << "another registration";
}

TEST_F(CredentialsTest, ASaveOfOldContentIsAConflict) {
  auto store = std::move(open(manifest(with_token("t")))).value();
  const Credentials first = shard_.wait_for(store->load()).value();
  Credentials next = first;
  next.hub = "other.test:443";
  const auto saved = shard_.wait_for(store->save(next));
  ASSERT_TRUE(saved.ok());
  EXPECT_NE(saved->version, first.version);
  EXPECT_EQ(shard_.wait_for(store->save(first)).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(shard_.wait_for(store->load())->hub, "other.test:443");
}

TEST_F(CredentialsTest, ADamagedFileIsNamed) {
  {
    ASSERT_TRUE(open(manifest(with_token("t"))).ok());
  }
  ASSERT_TRUE(io::replace_file(state() + "/credentials.json", "{\"kind\":").ok());
  const auto store = open("");
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message(), HasSubstr("credentials.json is damaged"));
}

}  // namespace
}  // namespace roadstead::agent
