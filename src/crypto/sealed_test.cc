// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "crypto/token.h"

namespace roadstead::crypto {
namespace {

using testing::HasSubstr;

class Sealed : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sealed_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = name + "/sealing.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  SealedBox box() { return SealedBox(*SealingKey::load_or_create(path_, random_)); }

  SystemRandom random_;
  std::string folder_;
  std::string path_;
};

TEST_F(Sealed, OpensWhatWasSealedAfterARestart) {
  const std::string sealed = box().seal(Secret("the CA key"), "ca/users", random_);
  EXPECT_EQ(sealed.find("CA key"), std::string::npos);
  const auto opened = box().open(sealed, "ca/users");
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  EXPECT_EQ(opened->reveal(), "the CA key");
  EXPECT_EQ(box().open(box().seal(Secret(), "", random_), "")->reveal(), "");
  EXPECT_NE(sealed, box().seal(Secret("the CA key"), "ca/users", random_)) << "nonces are fresh";
}

TEST_F(Sealed, RefusesWhatWasChangedOrMoved) {
  const SealedBox box = this->box();
  const std::string sealed = box.seal(Secret("x"), "ca/users", random_);
  EXPECT_FALSE(box.open(sealed, "ca/members").ok());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(box.open(changed, "ca/users").ok()) << i;
    EXPECT_FALSE(box.open(sealed.substr(0, i), "ca/users").ok()) << i;
  }
  std::filesystem::remove(path_);
  EXPECT_THAT(this->box().open(sealed, "ca/users").error().message(), HasSubstr("another key"));
}

TEST_F(Sealed, TheKeyFileIsForItsOwnerOnly) {
  const std::string id = box().key().id();
  struct stat info{};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(box().key().id(), id);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "nothing is left over";

  for (const mode_t open : {0604U, 0620U, 0606U}) {
    ASSERT_EQ(chmod(path_.c_str(), open), 0);
    EXPECT_THAT(SealingKey::load(path_).error().message(), HasSubstr("chmod 600"));
  }
  ASSERT_EQ(chmod(path_.c_str(), 0440), 0);
  EXPECT_TRUE(SealingKey::load(path_).ok());
}

TEST_F(Sealed, ADamagedKeyFileIsNeverReplaced) {
  box();
  std::ofstream(path_, std::ios::trunc) << "roadstead-sealing-key-v1 AAAA\n";
  EXPECT_THAT(SealingKey::load_or_create(path_, random_).error().message(), HasSubstr("damaged"));
  std::ofstream(path_, std::ios::trunc).close();
  EXPECT_FALSE(SealingKey::load_or_create(path_, random_).ok());
}

TEST_F(Sealed, MissingFolderAndFileAreTold) {
  EXPECT_EQ(SealingKey::load(path_).error().kind(), ErrorKind::NotFound);
  EXPECT_THAT(SealingKey::load_or_create(folder_ + "/no/key", random_).error().message(),
              HasSubstr("cannot create"));
}

TEST_F(Sealed, ProcessesThatStartAtOnceShareAKey) {
  std::array<std::string, 8> ids;
  std::vector<std::thread> threads;
  for (std::string& id : ids) {
    threads.emplace_back([&] {
      SystemRandom random;
      id = SealingKey::load_or_create(path_, random)->id();
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(ids, testing::Each(ids[0]));
}

TEST(Token, IsRecognisableAndRandom) {
  SystemRandom random;
  const Secret a = make_token(random, "rsr_");
  EXPECT_TRUE(a.reveal().starts_with("rsr_"));
  EXPECT_EQ(a.reveal().size(), 47U);
  EXPECT_FALSE(a.equals(make_token(random, "rsr_").reveal()));
  EXPECT_TRUE(looks_like_token(a.reveal(), "rsr_"));
  EXPECT_FALSE(looks_like_token(a.reveal(), "rst_"));
  EXPECT_FALSE(looks_like_token(a.reveal().substr(1), "rsr_"));
  EXPECT_EQ(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace roadstead::crypto
