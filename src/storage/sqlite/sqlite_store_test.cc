// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "storage/contract_test_support.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_transfer.h"

namespace roadstead::storage {
namespace {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "store-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest(FakeClock& clock, bool in_memory, bool inline_execution) : clock_(clock) {
    options_.path = in_memory ? ":memory:" : folder_.file("hub.db");
    options_.inline_execution = inline_execution;
    open();
  }
  ObjectStore& objects() override { return *store_; }
  SecretStore& secrets() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }
  Result<void> compact(io::Shard& shard) override { return shard.wait_for(store_->compact(shard)); }

 private:
  void open() {
    auto opened = SqliteStore::open(options_, clock_);
    CHECK(opened.ok(), opened.error().to_string());
    store_ = std::move(*opened);
  }
  FakeClock& clock_;
  TempFolder folder_;
  SqliteOptions options_;
  std::unique_ptr<SqliteStore> store_;
};

StoreFactory factory(std::string name, bool in_memory, bool inline_execution) {
  return {std::move(name),
          [in_memory, inline_execution](FakeClock& clock) {
            return std::make_unique<SqliteUnderTest>(clock, in_memory, inline_execution);
          },
          !in_memory};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(factory("File", false, false),
                                         factory("Memory", true, false),
                                         factory("Inline", true, true)),
                         [](const auto& info) { return info.param.name; });

class SqliteFileTest : public testing::Test {
 protected:
  Result<std::unique_ptr<SqliteStore>> open(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    return SqliteStore::open(options, clock_);
  }
  template <class T>
  T run(io::Task<T> task) {
    return shard_.wait_for(std::move(task));
  }
  Key key(std::string name) { return {"things.example.com", "", std::move(name)}; }

  TempFolder folder_;
  SystemClock clock_;
  io::Shard shard_{clock_};
};

TEST_F(SqliteFileTest, BelongsToOneAtATime) {
  auto first = open(folder_.file("a.db"));
  ASSERT_TRUE(first.ok());
  const auto second = open(folder_.file("a.db"));
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message().find("another process uses it"), std::string::npos);
  first->reset();
  EXPECT_TRUE(open(folder_.file("a.db")).ok());
}

TEST_F(SqliteFileTest, SaysWhatIsWrongWithTheFile) {
  const auto missing = open(folder_.file("no/such/folder/a.db"));
  EXPECT_NE(missing.error().message().find("Check that the folder exists"), std::string::npos);
  std::ofstream(folder_.file("text")) << std::string(5000, 'x');
  EXPECT_NE(open(folder_.file("text")).error().message().find("not a database"), std::string::npos);
}

TEST_F(SqliteFileTest, RefusesForeignAndNewerFiles) {
  {
    auto other = Connection::open(folder_.file("other.db"), Connection::Access::ReadWrite);
    ASSERT_TRUE((*other)->execute("CREATE TABLE t (x)").ok());
  }
  EXPECT_NE(open(folder_.file("other.db")).error().message().find("another program"),
            std::string::npos);
  ASSERT_TRUE(open(folder_.file("newer.db")).ok());
  {
    auto newer = Connection::open(folder_.file("newer.db"), Connection::Access::ReadWrite);
    ASSERT_TRUE((*newer)->execute("PRAGMA user_version=99").ok());
  }
  EXPECT_NE(open(folder_.file("newer.db")).error().message().find("newer version"),
            std::string::npos);
}

TEST_F(SqliteFileTest, FindsDamage) {
  {
    auto store = open(folder_.file("a.db"));
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(
          run((*store)->create(shard_, key("k" + std::to_string(i)), std::string(2000, 'v'))).ok());
    }
  }
  {
    std::fstream file(folder_.file("a.db"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5 * 4096);
    file << std::string(20 * 4096, '\x5a');
  }
  const auto damaged = open(folder_.file("a.db"));
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().message().find("damaged"), std::string::npos)
      << damaged.error().message();
}

TEST_F(SqliteFileTest, ABackupIsAWholeStoreAndIsMadeBesideIt) {
  auto store = open(folder_.file("a.db"));
  ASSERT_TRUE(run((*store)->create(shard_, key("a"), "1")).ok());
  ASSERT_TRUE(backup_sqlite(folder_.file("a.db"), folder_.file("copy.db")).ok());
  ASSERT_TRUE(run((*store)->create(shard_, key("b"), "2")).ok());
  EXPECT_EQ(backup_sqlite(folder_.file("a.db"), folder_.file("copy.db")).error().kind(),
            ErrorKind::AlreadyExists);
  EXPECT_EQ(backup_sqlite(folder_.file("none.db"), folder_.file("other.db")).error().kind(),
            ErrorKind::NotFound);
  auto copy = open(folder_.file("copy.db"));
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(run((*copy)->get(shard_, key("a")))->value, "1");
  EXPECT_FALSE(run((*copy)->get(shard_, key("b"))).ok());
}

TEST_F(SqliteFileTest, AStoreMovesToAnotherFileWithItsHistory) {
  Revision first = 0;
  Revision last = 0;
  {
    auto store = open(folder_.file("a.db"));
    first = *run((*store)->create(shard_, key("a"), "1"));
    last = *run((*store)->update(shard_, key("a"), first, "2"));
    ASSERT_TRUE(run((*store)->put_secret(shard_, "ca", 0, "sealed")).ok());
    EXPECT_EQ(sqlite_source(folder_.file("a.db")).error().kind(), ErrorKind::Storage);
  }
  {
    auto from = sqlite_source(folder_.file("a.db"));
    auto to = sqlite_target(folder_.file("b.db"));
    ASSERT_TRUE(from.ok() && to.ok());
    const auto report = transfer(**from, **to);
    ASSERT_TRUE(report.ok()) << report.error().to_string();
    EXPECT_EQ(report->versions, 2U);
    EXPECT_EQ(report->secrets, 1U);
  }
  auto moved = open(folder_.file("b.db"));
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(*run((*moved)->current_revision(shard_)), last);
  EXPECT_EQ(run((*moved)->changes(shard_, first, 10))->changes.size(), 1U);
  EXPECT_EQ(run((*moved)->get_secret(shard_, "ca"))->bytes, "sealed");
  EXPECT_EQ(*run((*moved)->create(shard_, key("c"), "3")), last + 1);
}

// A file-size limit stands for a full disk: the write fails in the same system call.
TEST_F(SqliteFileTest, AFullDiskLosesNothingAndIsSaid) {
  auto store = open(folder_.file("a.db"));
  ASSERT_TRUE(run((*store)->create(shard_, key("a"), "1")).ok());
  const auto before_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 256 * 1024, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto refused = run((*store)->create(shard_, key("big"), std::string(1u << 20, 'x')));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, before_handler);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Storage);
  EXPECT_NE(refused.error().message().find("this write was not saved"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(run((*store)->get(shard_, key("a")))->value, "1");
  EXPECT_TRUE(run((*store)->create(shard_, key("b"), "2")).ok());
  store->reset();
  store = open(folder_.file("a.db"));
  EXPECT_TRUE(run((*store)->get(shard_, key("b"))).ok());
  EXPECT_FALSE(run((*store)->get(shard_, key("big"))).ok());
}

TEST_F(SqliteFileTest, TheFileIsPrivate) {
  ASSERT_TRUE(open(folder_.file("a.db")).ok());
  const auto mode = std::filesystem::status(folder_.file("a.db")).permissions();
  EXPECT_EQ(mode & std::filesystem::perms(077), std::filesystem::perms::none);
}

}  // namespace
}  // namespace roadstead::storage
