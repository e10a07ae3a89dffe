// SPDX-License-Identifier: Apache-2.0
#include "cli/credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "cli/files.h"
#include "crypto/certificate.h"

namespace roadstead::cli {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

class Credentials : public testing::Test {
 protected:
  Credentials() {
    std::string pattern = std::filesystem::temp_directory_path() / "credential_test.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    file_.emplace(directory_ + "/hub/credential.pem");
  }
  ~Credentials() override { std::filesystem::remove_all(directory_); }

  ClientCredential make(Duration lifetime) {
    const auto key = crypto::PrivateKey::generate_p256();
    crypto::CertificateTemplate subject;
    subject.common_name = "ada";
    subject.not_before = clock_.wall();
    subject.not_after = clock_.wall() + lifetime;
    subject.client_auth = true;
    auto certificate = crypto::issue_self_signed(subject, key, random_);
    EXPECT_TRUE(certificate.ok());
    auto credential =
        parse_credential(credential_text(certificate->pem(), key.pem(), "one-1").reveal());
    EXPECT_TRUE(credential.ok());
    return std::move(*credential);
  }

  Result<ClientCredential> fresh() {
    return file_->fresh(
        clock_,
        [this](const ClientCredential&) {
          ++renewals_;
          return hub_works_ ? Result<ClientCredential>(make(hours(12)))
                            : Result<ClientCredential>(ErrorKind::Network, "connection refused");
        },
        [this](const Error& error) { complaints_.push_back(error.message()); });
  }

  FakeClock clock_;
  SystemRandom random_;
  std::string directory_;
  std::optional<CredentialFile> file_;
  bool hub_works_ = true;
  int renewals_ = 0;
  std::vector<std::string> complaints_;
};

TEST_F(Credentials, AreStoredPrivatelyAndReadBack) {
  const ClientCredential made = make(hours(12));
  ASSERT_TRUE(file_->store(made).ok());
  struct stat info{};
  ASSERT_EQ(::stat((directory_ + "/hub/credential.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto read = file_->load(clock_.wall());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->serial, made.serial);
  EXPECT_EQ(read->name, "one-1");
  EXPECT_EQ(read->certificate_pem, made.certificate_pem);
  EXPECT_TRUE(read->key_pem.equals(made.key_pem.reveal()));
}

TEST_F(Credentials, AreRenewedWhenLessThanAThirdIsLeft) {
  const ClientCredential made = make(hours(12));
  ASSERT_TRUE(file_->store(made).ok());
  clock_.advance(hours(7));
  EXPECT_EQ(fresh()->serial, made.serial);
  EXPECT_EQ(renewals_, 0);
  clock_.advance(std::chrono::minutes(61));
  const auto renewed = fresh();
  ASSERT_TRUE(renewed.ok());
  EXPECT_NE(renewed->serial, made.serial);
  EXPECT_EQ(renewals_, 1);
  EXPECT_EQ(fresh()->serial, renewed->serial) << "the new one is kept";
  EXPECT_EQ(renewals_, 1);
}

TEST_F(Credentials, AValidOneIsUsedWhileTheHubIsAway) {
  const ClientCredential made = make(hours(12));
  ASSERT_TRUE(file_->store(made).ok());
  clock_.advance(hours(11));
  hub_works_ = false;
  const auto used = fresh();
  ASSERT_TRUE(used.ok());
  EXPECT_EQ(used->serial, made.serial);
  EXPECT_THAT(complaints_, testing::ElementsAre("connection refused"));
  clock_.advance(hours(2));
  const auto expired = fresh();
  ASSERT_FALSE(expired.ok());
  EXPECT_EQ(expired.error().kind(), ErrorKind::Unauthenticated);
  EXPECT_THAT(expired.error().message(), HasSubstr("roadstead login"));
}

TEST_F(Credentials, MissingAndDamagedOnesSayHowToLogIn) {
  EXPECT_THAT(fresh().error().message(), HasSubstr("roadstead login"));
  ASSERT_TRUE(make_directories(directory_ + "/hub").ok());
  ASSERT_TRUE(replace_file(directory_ + "/hub/credential.pem", "rubbish").ok());
  EXPECT_THAT(fresh().error().message(), HasSubstr("holds no private key"));
  EXPECT_EQ(fresh().error().kind(), ErrorKind::Unauthenticated);
}

TEST_F(Credentials, FilesAreReplacedThroughLinksAndKeepTheirMode) {
  const std::string real = directory_ + "/real";
  ASSERT_TRUE(replace_file(real, "old", 0640).ok());
  std::filesystem::create_symlink(real, directory_ + "/link");
  ASSERT_TRUE(replace_file(directory_ + "/link", "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory_ + "/link"));
  EXPECT_EQ(*read_file(real), "new");
  struct stat info{};
  ASSERT_EQ(::stat(real.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640U);
}

TEST_F(Credentials, ALockIsHeldByOne) {
  const SystemClock clock;
  const std::string path = directory_ + "/lock";
  {
    const auto held = FileLock::take(path, clock, Duration::zero());
    ASSERT_TRUE(held.ok());
    const auto second = FileLock::take(path, clock, Duration::zero());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::DeadlineExceeded);
  }
  EXPECT_TRUE(FileLock::take(path, clock, Duration::zero()).ok());
  {
    const auto held = KubeconfigLock::take(path, clock, Duration::zero());
    ASSERT_TRUE(held.ok());
    EXPECT_TRUE(std::filesystem::exists(path + ".lock"));
    EXPECT_FALSE(KubeconfigLock::take(path, clock, Duration::zero()).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
}

}  // namespace
}  // namespace roadstead::cli
