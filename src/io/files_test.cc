// SPDX-License-Identifier: Apache-2.0
#include "io/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace roadstead::io {
namespace {

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "files_test_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + '/' + name; }
  static mode_t mode_of(const std::string& file) {
    struct stat info{};
    EXPECT_EQ(stat(file.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  std::string folder_;
};

TEST_F(FilesTest, ReplacesWholeAndLeavesNothingBeside) {
  ASSERT_TRUE(replace_file(path("a"), "one").ok());
  const std::string before = file_stamp(path("a"));
  ASSERT_TRUE(replace_file(path("a"), "two").ok());
  EXPECT_EQ(*read_file(path("a")), "two");
  EXPECT_NE(file_stamp(path("a")), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, KeepsOrForcesTheMode) {
  ASSERT_TRUE(replace_file(path("a"), "x").ok());
  EXPECT_EQ(mode_of(path("a")), 0600u);
  ASSERT_EQ(chmod(path("a").c_str(), 0644), 0);
  ASSERT_TRUE(replace_file(path("a"), "y", 0600).ok());
  EXPECT_EQ(mode_of(path("a")), 0644u);
  ASSERT_TRUE(replace_file(path("a"), "z", 0600, FileMode::Forced).ok());
  EXPECT_EQ(mode_of(path("a")), 0600u);
}

TEST_F(FilesTest, FollowsALinkThatStays) {
  ASSERT_TRUE(replace_file(path("real"), "old").ok());
  ASSERT_EQ(symlink(path("real").c_str(), path("link").c_str()), 0);
  ASSERT_TRUE(replace_file(path("link"), "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(*read_file(path("real")), "new");
}

TEST_F(FilesTest, SaysWhichFileAndWhy) {
  const auto missing = read_file(path("none"));
  EXPECT_EQ(missing.error().kind(), ErrorKind::NotFound);
  EXPECT_NE(missing.error().message().find(path("none")), std::string::npos);
  ASSERT_TRUE(replace_file(path("a"), "12345").ok());
  EXPECT_EQ(read_file(path("a"), 4).error().kind(), ErrorKind::PayloadTooLarge);
  EXPECT_EQ(replace_file(path("no/such"), "x").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(file_stamp(path("none")), "");
}

}  // namespace
}  // namespace roadstead::io
