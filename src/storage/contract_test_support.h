// SPDX-License-Identifier: Apache-2.0
// What every ObjectStore and SecretStore must do, as tests. A backend's test program defines
// factories and instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(StoreFactory{"file", open}));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "base/clock.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "storage/limits.h"
#include "storage/object_store.h"
#include "storage/secret_store.h"

namespace roadstead::storage {

// An open store of a backend; empty at first.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual ObjectStore& objects() = 0;
  virtual SecretStore& secrets() = 0;
  virtual void reopen() = 0;  // closes and opens it again; nothing is lost
  // Forgets history older than the store's limit.
  virtual Result<void> compact(io::Shard& shard) = 0;
};

struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>(FakeClock&)> open;
  bool survives_reopen = true;
  friend std::ostream& operator<<(std::ostream& out, const StoreFactory& f) {
    return out << f.name;
  }
};

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  template <class T>
  T run(io::Task<T> task) {
    return shard_.wait_for(std::move(task));
  }
  ObjectStore& store() { return store_->objects(); }
  SecretStore& secrets() { return store_->secrets(); }

  static Key key(std::string name, std::string ns = "") {
    return Key{"things.example.com", std::move(ns), std::move(name)};
  }
  Revision create(const Key& k, std::string value = "{}") {
    auto r = run(store().create(shard_, k, std::move(value)));
    EXPECT_TRUE(r.ok()) << r.error().to_string();
    return r.ok() ? *r : 0;
  }
  std::vector<std::string> names(const ListPage& page) {
    std::vector<std::string> out;
    for (const Record& record : page.records) {
      out.push_back(record.key.path());
    }
    return out;
  }

  FakeClock clock_;
  SystemClock system_clock_;
  io::Shard shard_{system_clock_};
  std::unique_ptr<StoreUnderTest> store_ = GetParam().open(clock_);
};

using Names = std::vector<std::string>;

TEST_P(StoreContract, ReadsBackWhatWasWritten) {
  const Revision r = create(key("a"), "{\"x\":1}");
  const auto got = run(store().get(shard_, key("a")));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->value, "{\"x\":1}");
  EXPECT_EQ(got->revision, r);
  EXPECT_EQ(run(store().get(shard_, key("b"))).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(*run(store().current_revision(shard_)), r);
}

TEST_P(StoreContract, RefusesWhatDoesNotMatch) {
  const Revision r = create(key("a"));
  EXPECT_EQ(run(store().create(shard_, key("a"), "{}")).error().kind(), ErrorKind::AlreadyExists);
  EXPECT_EQ(run(store().update(shard_, key("b"), 1, "{}")).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(run(store().update(shard_, key("a"), r + 1, "{}")).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(run(store().remove(shard_, key("a"), r + 1, "")).error().kind(), ErrorKind::Conflict);
  const auto updated = run(store().update(shard_, key("a"), r, "{\"n\":2}"));
  ASSERT_TRUE(updated.ok());
  EXPECT_GT(*updated, r);
  EXPECT_TRUE(run(store().remove(shard_, key("a"), *updated, "")).ok());
  EXPECT_EQ(run(store().get(shard_, key("a"))).error().kind(), ErrorKind::NotFound);
  EXPECT_GT(create(key("a")), *updated);
}

TEST_P(StoreContract, ListsInOrderOfPathAndByNamespace) {
  create(key("x", "a-b"));
  create(key("x", "a"));
  create(key("y", "a"));
  create(key("z", "b"));
  create(Key{"others.example.com", "", "o"});
  ListQuery all{.resource = "things.example.com"};
  EXPECT_EQ(names(*run(store().list(shard_, all))), (Names{"a-b/x", "a/x", "a/y", "b/z"}));
  ListQuery one{.resource = "things.example.com", .namespace_ = "a"};
  EXPECT_EQ(names(*run(store().list(shard_, one))), (Names{"a/x", "a/y"}));
}

TEST_P(StoreContract, PagesSeeOneMoment) {
  for (const char* name : {"a", "b", "c", "d"}) {
    create(key(name), "{\"old\":true}");
  }
  ListQuery query{.resource = "things.example.com", .limit = 2};
  const ListPage first = *run(store().list(shard_, query));
  EXPECT_EQ(names(first), (Names{"a", "b"}));
  EXPECT_TRUE(first.more);
  const Record c = *run(store().get(shard_, key("c")));
  ASSERT_TRUE(run(store().update(shard_, key("c"), c.revision, "{\"old\":false}")).ok());
  const Record d = *run(store().get(shard_, key("d")));
  ASSERT_TRUE(run(store().remove(shard_, key("d"), d.revision, "")).ok());
  create(key("e"));
  query.after = "b";
  query.at = first.revision;
  const ListPage second = *run(store().list(shard_, query));
  EXPECT_EQ(names(second), (Names{"c", "d"}));
  EXPECT_EQ(second.records[0].value, "{\"old\":true}");
  EXPECT_FALSE(second.more);
  EXPECT_EQ(names(*run(store().list(shard_, {.resource = "things.example.com"}))),
            (Names{"a", "b", "c", "e"}));
  query.at = first.revision + 1000;
  EXPECT_EQ(run(store().list(shard_, query)).error().kind(), ErrorKind::InvalidArgument);
}

TEST_P(StoreContract, ChangesComeInOrderWithWhatWasBefore) {
  const Revision start = *run(store().current_revision(shard_));
  const Revision r1 = create(key("a"), "1");
  const Revision r2 = *run(store().update(shard_, key("a"), r1, "2"));
  const Revision r3 = *run(store().remove(shard_, key("a"), r2, "last"));
  const Revision r4 = create(key("a"), "4");
  const Changes got = *run(store().changes(shard_, start, 100));
  ASSERT_EQ(got.changes.size(), 4U);
  EXPECT_EQ(got.up_to, r4);
  EXPECT_FALSE(got.changes[0].previous.has_value());
  EXPECT_EQ(got.changes[1].previous, "1");
  EXPECT_EQ(got.changes[1].value, "2");
  EXPECT_TRUE(got.changes[2].deleted);
  EXPECT_EQ(got.changes[2].revision, r3);
  EXPECT_EQ(got.changes[2].value, "last");
  EXPECT_EQ(got.changes[2].previous, "2");
  EXPECT_FALSE(got.changes[3].previous.has_value());
  const Changes some = *run(store().changes(shard_, r1, 2));
  EXPECT_EQ(some.changes.size(), 2U);
  EXPECT_EQ(some.up_to, r3);
  EXPECT_TRUE(run(store().changes(shard_, r4, 100))->changes.empty());
}

TEST_P(StoreContract, ChangesAreTheSameAfterReopening) {
  if (!GetParam().survives_reopen) {
    GTEST_SKIP() << "this one lives in memory";
  }
  const Revision start = *run(store().current_revision(shard_));
  const Revision r1 = create(key("a"), "1");
  const Revision r2 = *run(store().update(shard_, key("a"), r1, "2"));
  store_->reopen();
  EXPECT_EQ(*run(store().current_revision(shard_)), r2);
  const Changes got = *run(store().changes(shard_, start, 100));
  ASSERT_EQ(got.changes.size(), 2U);
  EXPECT_EQ(got.changes[1].previous, "1");
  EXPECT_EQ(run(store().get(shard_, key("a")))->value, "2");
  EXPECT_GT(create(key("b")), r2);
}

TEST_P(StoreContract, KeepsHistoryForItsTimeAndThenSaysGone) {
  const Revision r1 = create(key("a"), "1");
  const Revision r2 = *run(store().update(shard_, key("a"), r1, "2"));
  clock_.advance(std::chrono::minutes(4));
  ASSERT_TRUE(store_->compact(shard_).ok());
  EXPECT_EQ(run(store().changes(shard_, 0, 10))->changes.size(), 2U);
  clock_.advance(std::chrono::minutes(2));
  const Revision r3 = create(key("b"), "3");
  clock_.advance(std::chrono::minutes(6));
  ASSERT_TRUE(store_->compact(shard_).ok());
  ListQuery old{.resource = "things.example.com", .at = r1};
  EXPECT_EQ(run(store().list(shard_, old)).error().kind(), ErrorKind::Gone);
  old.at = r3;
  EXPECT_EQ(names(*run(store().list(shard_, old))), (Names{"a", "b"}));
  EXPECT_EQ(run(store().get(shard_, key("a")))->revision, r2);
  if (GetParam().survives_reopen) {
    store_->reopen();
    EXPECT_EQ(run(store().changes(shard_, r1, 10)).error().kind(), ErrorKind::Gone);
    EXPECT_EQ(run(store().get(shard_, key("a")))->value, "2");
  }
}

inline io::Task<void> create_many(ObjectStore* store, io::Shard* shard, std::string prefix,
                                  int count, std::vector<Revision>* out) {
  for (int i = 0; i < count; ++i) {
    auto r = co_await store->create(
        *shard, Key{"things.example.com", "", prefix + std::to_string(i)}, "{}");
    CHECK(r.ok(), r.error().to_string());
    out->push_back(*r);
  }
}

TEST_P(StoreContract, ManyWritersGetRevisionsOfTheirOwn) {
  std::vector<Revision> seen;
  io::TaskGroup group(shard_);
  for (int i = 0; i < 8; ++i) {
    group.spawn(create_many(&store(), &shard_, "w" + std::to_string(i) + "-", 25, &seen));
  }
  shard_.run_until_done(group.join());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen.size(), 200U);
  const Changes got = *run(store().changes(shard_, 0, 1000));
  EXPECT_EQ(got.changes.size(), 200U);
  EXPECT_TRUE(
      std::is_sorted(got.changes.begin(), got.changes.end(),
                     [](const Change& a, const Change& b) { return a.revision < b.revision; }));
}

inline io::Task<void> update_once(ObjectStore* store, io::Shard* shard, Key key, Revision expected,
                                  std::string value, std::vector<Result<Revision>>* out) {
  out->push_back(co_await store->update(*shard, std::move(key), expected, std::move(value)));
}

struct Watcher {
  Watcher(ObjectStore& s, io::Shard& shard) : store(s), home(shard), committed(shard) {}
  ObjectStore& store;
  io::Shard& home;
  io::Event committed;
  Revision seen = 0;
  std::vector<Revision> revisions;
};

// Follows as the object cache does, until `end` has been seen.
inline io::Task<void> follow(Watcher* watcher, const Revision* end) {
  while (*end == 0 || watcher->seen < *end) {
    watcher->committed.reset();
    for (bool more = true; more;) {
      auto got = co_await watcher->store.changes(watcher->home, watcher->seen, 7);
      CHECK(got.ok(), got.error().to_string());
      for (const Change& change : got->changes) {
        watcher->revisions.push_back(change.revision);
      }
      watcher->seen = got->up_to;
      more = got->more;
    }
    if (*end == 0 || watcher->seen < *end) {
      co_await watcher->committed.wait();
    }
  }
}

inline io::Task<void> write_then_end(ObjectStore* store, io::Shard* shard, int writers,
                                     Revision* end, io::Event* wake) {
  std::vector<Revision> seen;
  io::TaskGroup group(*shard);
  for (int i = 0; i < writers; ++i) {
    group.spawn(create_many(store, shard, "w" + std::to_string(i) + "-", 25, &seen));
  }
  co_await group.join();
  *end = *std::max_element(seen.begin(), seen.end());
  wake->set();
}

TEST_P(StoreContract, AWatchHasNeitherGapsNorRepeats) {
  Watcher watcher(store(), shard_);
  watcher.seen = *run(store().current_revision(shard_));
  const Revision start = watcher.seen;
  Revision end = 0;
  auto subscription = store().subscribe(shard_, [&] { watcher.committed.set(); });
  io::TaskGroup group(shard_);
  group.spawn(follow(&watcher, &end));
  group.spawn(write_then_end(&store(), &shard_, 8, &end, &watcher.committed));
  shard_.run_until_done(group.join());
  ASSERT_EQ(watcher.revisions.size(), 200U);
  for (std::size_t i = 0; i < watcher.revisions.size(); ++i) {
    ASSERT_EQ(watcher.revisions[i], start + i + 1);
  }
}

TEST_P(StoreContract, OfThoseWhoUpdateTheSameRevisionOneWins) {
  const Revision r = create(key("a"), "0");
  std::vector<Result<Revision>> results;
  io::TaskGroup group(shard_);
  for (int i = 0; i < 8; ++i) {
    group.spawn(update_once(&store(), &shard_, key("a"), r, std::to_string(i), &results));
  }
  shard_.run_until_done(group.join());
  int won = 0;
  for (const auto& result : results) {
    won += result.ok() ? 1 : 0;
    if (!result.ok()) {
      EXPECT_EQ(result.error().kind(), ErrorKind::Conflict);
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(run(store().changes(shard_, r, 10))->changes.size(), 1U);
}

TEST_P(StoreContract, LargeObjectsComeBackWhole) {
  std::string large(kMaxValueBytes, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) {
    large[i] = static_cast<char>((i * 2654435761U) >> 13);
  }
  const Revision r = create(key("big"), large);
  EXPECT_EQ(run(store().get(shard_, key("big")))->value, large);
  ASSERT_TRUE(run(store().update(shard_, key("big"), r, "small")).ok());
  const Changes got = *run(store().changes(shard_, r, 10));
  ASSERT_EQ(got.changes.size(), 1U);
  EXPECT_EQ(got.changes[0].previous, large);
}

TEST_P(StoreContract, RefusesWhatIsTooBigOrNotANameAndWritesNothing) {
  const Revision before = *run(store().current_revision(shard_));
  const auto kind = [&](Key k, std::string value) {
    return run(store().create(shard_, std::move(k), std::move(value))).error().kind();
  };
  EXPECT_EQ(kind(key("a"), std::string(kMaxValueBytes + 1, 'x')), ErrorKind::PayloadTooLarge);
  EXPECT_EQ(kind(key(std::string(kMaxKeyBytes, 'n')), "{}"), ErrorKind::PayloadTooLarge);
  EXPECT_EQ(kind(key(""), "{}"), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind(key("a/b"), "{}"), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind(key("a", "b/c"), "{}"), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind(key(std::string("a\0b", 3)), "{}"), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind(key("\xff"), "{}"), ErrorKind::InvalidArgument);
  EXPECT_EQ(*run(store().current_revision(shard_)), before);
}

TEST_P(StoreContract, AnswersEndBeforeTheyAreTooBig) {
  const Revision start = *run(store().current_revision(shard_));
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    create(key(name), std::string(6u << 20, name[0]));
  }
  Names seen;
  ListQuery query{.resource = "things.example.com"};
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const ListPage page = *run(store().list(shard_, query));
    ASSERT_FALSE(page.records.empty());
    for (const Record& record : page.records) {
      seen.push_back(record.key.name);
    }
    query.after = page.records.back().key.path();
    query.at = page.revision;
    more = page.more;
  }
  EXPECT_EQ(seen, (Names{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(pages, 3);
  Revision at = start;
  for (bool more = true; more;) {
    const Changes got = *run(store().changes(shard_, at, 100));
    ASSERT_FALSE(got.changes.empty());
    EXPECT_LE(got.changes.size(), 2U);
    at = got.up_to;
    more = got.more;
  }
  EXPECT_EQ(at, start + 5);
}

inline io::Task<void> wait_for(io::Event* event) { co_await event->wait(); }

TEST_P(StoreContract, TellsSubscribersOfCommits) {
  io::Event told(shard_);
  auto subscription = store().subscribe(shard_, [&] { told.set(); });
  create(key("a"));
  shard_.run_until_done(wait_for(&told));
  subscription.reset();
  told.reset();
  create(key("b"));
  run(store().get(shard_, key("b"))).ok();
  EXPECT_FALSE(told.is_set());
}

TEST_P(StoreContract, SecretsAreComparedAndSwapped) {
  EXPECT_EQ(run(secrets().get_secret(shard_, "ca/user")).error().kind(), ErrorKind::NotFound);
  const std::string bytes("\0sealed\xff", 8);
  const auto v1 = run(secrets().put_secret(shard_, "ca/user", 0, bytes));
  ASSERT_TRUE(v1.ok());
  EXPECT_EQ(run(secrets().get_secret(shard_, "ca/user"))->bytes, bytes);
  EXPECT_EQ(run(secrets().put_secret(shard_, "ca/user", 0, "x")).error().kind(),
            ErrorKind::AlreadyExists);
  EXPECT_EQ(run(secrets().put_secret(shard_, "ca/user", *v1 + 9, "x")).error().kind(),
            ErrorKind::Conflict);
  const auto v2 = run(secrets().put_secret(shard_, "ca/user", *v1, "new"));
  ASSERT_TRUE(v2.ok());
  ASSERT_TRUE(run(secrets().put_secret(shard_, "token/1", 0, "t")).ok());
  EXPECT_EQ(*run(secrets().list_secrets(shard_, "ca/")), Names{"ca/user"});
  EXPECT_EQ(run(secrets().remove_secret(shard_, "ca/user", *v1)).error().kind(),
            ErrorKind::Conflict);
  EXPECT_TRUE(run(secrets().remove_secret(shard_, "ca/user", *v2)).ok());
  EXPECT_EQ(run(secrets().remove_secret(shard_, "ca/user", *v2)).error().kind(),
            ErrorKind::NotFound);
  // A version is never given twice for one name, so that an old compare cannot succeed by chance.
  EXPECT_GT(*run(secrets().put_secret(shard_, "ca/user", 0, "again")), *v2);
}

}  // namespace roadstead::storage
