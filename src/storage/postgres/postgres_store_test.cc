// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_store.h"

#include <gtest/gtest.h>

#include "io/sleep.h"
#include "storage/contract_test_support.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/cutting_relay_test_support.h"
#include "storage/postgres/postgres_server_test_support.h"
#include "storage/postgres/postgres_transfer.h"
#include "storage/postgres/schema.h"

namespace roadstead::storage {
namespace {

PostgresServer& server() {
  static PostgresServer one;
  return one;
}

// A schema of its own for each store.
PostgresOptions fresh_options() {
  static int count = 0;
  PostgresOptions options;
  auto settings = parse_postgres_url(server().url(), Secret());
  CHECK(settings.ok(), settings.error().to_string());
  options.settings = std::move(*settings);
  options.schema = "test_" + std::to_string(++count);
  return options;
}

std::unique_ptr<PostgresStore> open_store(const PostgresOptions& options, const Clock& clock) {
  SystemRandom random;
  auto opened = PostgresStore::open(options, clock, random);
  CHECK(opened.ok(), opened.error().to_string());
  return std::move(*opened);
}

class PostgresUnderTest final : public StoreUnderTest {
 public:
  explicit PostgresUnderTest(FakeClock& clock) : clock_(clock), options_(fresh_options()) {
    store_ = open_store(options_, clock_);
  }
  ObjectStore& objects() override { return *store_; }
  SecretStore& secrets() override { return *store_; }
  void reopen() override {
    store_.reset();
    store_ = open_store(options_, clock_);
  }
  Result<void> compact(io::Shard& shard) override { return shard.wait_for(store_->compact(shard)); }

 private:
  FakeClock& clock_;
  PostgresOptions options_;
  std::unique_ptr<PostgresStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Postgres, StoreContract,
    testing::Values(StoreFactory{
        "Socket", [](FakeClock& clock) { return std::make_unique<PostgresUnderTest>(clock); }}),
    [](const auto& info) { return info.param.name; });

class PostgresTest : public testing::Test {
 protected:
  template <class T>
  T run(io::Task<T> task) {
    return shard_.wait_for(std::move(task));
  }
  Key key(std::string name) { return {"things.example.com", "", std::move(name)}; }

  FakeClock clock_;
  SystemClock system_clock_;
  io::Shard shard_{system_clock_};
};

// A connection beside the stores, for what goes wrong between them.
class Outsider {
 public:
  explicit Outsider(const PostgresOptions& options) {
    auto opened = postgres::Connection::open(options.settings, clock_, deadline());
    CHECK(opened.ok(), opened.error().to_string());
    connection_ = std::move(*opened);
    CHECK(postgres::prepare_session(*connection_, options.schema, postgres::Claim::None,
                                    std::chrono::seconds(60), deadline())
              .ok(),
          "session");
    sql("SET idle_in_transaction_session_timeout = 0");
  }
  void sql(const std::string& text) {
    const auto done = connection_->execute(text, deadline());
    CHECK(done.ok(), done.error().to_string());
  }

 private:
  Deadline deadline() const { return Deadline::after(clock_, std::chrono::seconds(30)); }
  SystemClock clock_;
  std::unique_ptr<postgres::Connection> connection_;
};

TEST_F(PostgresTest, TwoHubsSeeOneOrderWithoutGaps) {
  const PostgresOptions options = fresh_options();
  const auto a = open_store(options, clock_);
  const auto b = open_store(options, clock_);
  Watcher at_a(*a, shard_);
  Watcher at_b(*b, shard_);
  at_a.seen = at_b.seen = *run(a->current_revision(shard_));
  const Revision start = at_a.seen;
  auto subscribed_a = a->subscribe(shard_, [&] { at_a.committed.set(); });
  auto subscribed_b = b->subscribe(shard_, [&] { at_b.committed.set(); });
  std::vector<Revision> seen;
  io::TaskGroup writers(shard_);
  for (int i = 0; i < 4; ++i) {
    writers.spawn(create_many(a.get(), &shard_, "a" + std::to_string(i) + "-", 40, &seen));
    writers.spawn(create_many(b.get(), &shard_, "b" + std::to_string(i) + "-", 40, &seen));
  }
  const Revision end = start + 320;
  io::TaskGroup watchers(shard_);
  watchers.spawn(follow(&at_a, &end));
  watchers.spawn(follow(&at_b, &end));
  shard_.run_until_done(writers.join());
  shard_.run_until_done(watchers.join());
  for (const Watcher* watcher : {&at_a, &at_b}) {
    ASSERT_EQ(watcher->revisions.size(), 320U);
    for (std::size_t i = 0; i < 320; ++i) {
      ASSERT_EQ(watcher->revisions[i], start + i + 1);
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

// The classical fault of a change log: a transaction that began first commits last. Here it holds
// the lock, so whoever comes later waits and gets a later revision.
TEST_F(PostgresTest, ALateCommitIsSeenInItsPlace) {
  const PostgresOptions options = fresh_options();
  const auto store = open_store(options, clock_);
  const Revision start = *run(store->create(shard_, key("first"), "1"));
  Outsider late(options);
  late.sql("BEGIN");
  late.sql("SELECT value FROM counters WHERE name = 'revision' FOR UPDATE");
  late.sql("INSERT INTO versions VALUES (" + std::to_string(start + 1) +
           ", 'things.example.com', 'late', 0, false, 'late')");
  late.sql("UPDATE counters SET value = value + 1 WHERE name = 'revision'");
  std::vector<Revision> seen;
  io::TaskGroup writers(shard_);
  writers.spawn(create_many(store.get(), &shard_, "w", 3, &seen));
  // Nothing of the late one is visible, and nothing newer either.
  EXPECT_EQ(*run(store->current_revision(shard_)), start);
  EXPECT_TRUE(run(store->changes(shard_, start, 10))->changes.empty());
  EXPECT_TRUE(seen.empty());
  late.sql("COMMIT");
  shard_.run_until_done(writers.join());
  EXPECT_EQ(seen, (std::vector<Revision>{start + 2, start + 3, start + 4}));
  const Changes got = *run(store->changes(shard_, start, 10));
  ASSERT_EQ(got.changes.size(), 4U);
  EXPECT_EQ(got.changes[0].key.name, "late");
  EXPECT_EQ(got.changes[3].revision, start + 4);
}

TEST_F(PostgresTest, WithoutNotificationsChangesAreFoundByLooking) {
  const PostgresOptions options = fresh_options();
  const auto store = open_store(options, clock_);
  io::Event told(shard_);
  auto subscription = store->subscribe(shard_, [&] { told.set(); });
  const Revision start = *run(store->current_revision(shard_));
  Outsider silent(options);
  silent.sql("BEGIN; INSERT INTO versions VALUES (" + std::to_string(start + 1) +
             ", 'things.example.com', 'quiet', 0, false, 'x');"
             "UPDATE counters SET value = value + 1 WHERE name = 'revision'; COMMIT");
  shard_.run_until_done(wait_for(&told));
  EXPECT_EQ(run(store->changes(shard_, start, 10))->changes.size(), 1U);
}

// A hub that stopped inside its transaction holds up the others; the server ends it.
TEST_F(PostgresTest, OneThatHoldsTheLockIsWaitedForAndThenSaid) {
  PostgresOptions options = fresh_options();
  options.patience = std::chrono::milliseconds(700);
  const auto store = open_store(options, clock_);
  Outsider frozen(options);
  frozen.sql("BEGIN");
  frozen.sql("SELECT value FROM counters WHERE name = 'revision' FOR UPDATE");
  const auto refused = run(store->create(shard_, key("a"), "1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable) << refused.error().to_string();
  EXPECT_NE(refused.error().message().find("was not saved"), std::string::npos);
  frozen.sql("ROLLBACK");
  EXPECT_TRUE(run(store->create(shard_, key("a"), "1")).ok());
}

io::Task<void> pause(io::Shard* shard, Duration time) { co_await io::sleep_for(*shard, time); }

TEST_F(PostgresTest, SurvivesARestartOfTheServer) {
  const PostgresOptions options = fresh_options();
  const auto store = open_store(options, clock_);
  const Revision start = *run(store->create(shard_, key("before"), "1"));
  std::vector<Revision> seen;
  for (int round = 0; round < 3; ++round) {
    io::TaskGroup writers(shard_);
    for (int i = 0; i < 4; ++i) {
      writers.spawn(create_many(store.get(), &shard_,
                                std::to_string(round) + "-" + std::to_string(i) + "-", 25, &seen));
    }
    shard_.run_until_done(pause(&shard_, std::chrono::milliseconds(5 + round * 11)));
    round % 2 == 0 ? server().kill() : server().stop();
    server().start();
    shard_.run_until_done(writers.join());
  }
  // create_many insists on success: a write done twice would have failed with AlreadyExists.
  EXPECT_EQ(seen.size(), 300U);
  Watcher watcher(*store, shard_);
  watcher.seen = start;
  auto subscription = store->subscribe(shard_, [&] { watcher.committed.set(); });
  const Revision end = start + 300;
  shard_.run_until_done(follow(&watcher, &end));
  EXPECT_EQ(watcher.revisions.size(), 300U);
  EXPECT_TRUE(run(store->get(shard_, key("before"))).ok());
}

// The connection breaks around a commit. Whether it happened is looked up under the lock, so the
// write is answered with the truth and is never done twice.
TEST_F(PostgresTest, ALostCommitIsLookedUpAndNotRepeated) {
  for (const auto cut : {CuttingRelay::Cut::BeforeCommit, CuttingRelay::Cut::AfterCommit}) {
    CuttingRelay relay(server().socket(), system_clock_);
    PostgresOptions options = fresh_options();
    options.settings = *parse_postgres_url(server().url_in(relay.folder()), Secret());
    const auto store = open_store(options, clock_);
    const Revision start = *run(store->current_revision(shard_));
    relay.cut_next(cut);
    const auto created = run(store->create(shard_, key("a"), "1"));
    ASSERT_TRUE(created.ok()) << created.error().to_string();
    EXPECT_EQ(relay.cuts(), 1);
    EXPECT_EQ(*created, start + 1);
    const auto updated = run(store->update(shard_, key("a"), *created, "2"));
    ASSERT_TRUE(updated.ok()) << updated.error().to_string();
    EXPECT_EQ(run(store->changes(shard_, start, 10))->changes.size(), 2U);
    EXPECT_EQ(*run(store->current_revision(shard_)), start + 2);
  }
}

// As before, and then the database stays away: the error says that nobody knows.
TEST_F(PostgresTest, ACommitInDoubtIsSaid) {
  CuttingRelay relay(server().socket(), system_clock_);
  PostgresOptions options = fresh_options();
  options.patience = std::chrono::seconds(2);
  options.settings = *parse_postgres_url(server().url_in(relay.folder()), Secret());
  const auto store = open_store(options, clock_);
  relay.cut_next(CuttingRelay::Cut::AfterCommitForGood);
  const auto created = run(store->create(shard_, key("a"), "1"));
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().kind(), ErrorKind::DeadlineExceeded) << created.error().to_string();
  EXPECT_NE(created.error().message().find("is not known"), std::string::npos);
}

TEST_F(PostgresTest, SaysThatTheDatabaseIsAway) {
  PostgresOptions options = fresh_options();
  options.patience = std::chrono::milliseconds(300);
  const auto store = open_store(options, clock_);
  server().stop();
  const auto written = run(store->create(shard_, key("a"), "1"));
  const auto read = run(store->get(shard_, key("a")));
  server().start();
  EXPECT_EQ(written.error().kind(), ErrorKind::Unavailable);
  EXPECT_NE(written.error().message().find("this write was not saved"), std::string::npos)
      << written.error().message();
  EXPECT_EQ(read.error().kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(run(store->create(shard_, key("b"), "1")).ok());
}

TEST_F(PostgresTest, AReadOnlyDatabaseIsSaid) {
  PostgresOptions options = fresh_options();
  options.patience = std::chrono::milliseconds(500);
  const auto store = open_store(options, clock_);
  ASSERT_TRUE(run(store->create(shard_, key("a"), "1")).ok());
  server().sql("ALTER SYSTEM SET default_transaction_read_only = on");
  server().sql("SELECT pg_reload_conf()");
  std::optional<Error> refused;
  for (int i = 0; i < 100 && !refused; ++i) {
    auto r = run(store->create(shard_, key("b" + std::to_string(i)), "1"));
    if (!r.ok()) {
      refused = r.error();
    }
  }
  EXPECT_EQ(run(store->get(shard_, key("a")))->value, "1");
  server().sql("ALTER SYSTEM RESET default_transaction_read_only");
  server().sql("SELECT pg_reload_conf()");
  ASSERT_TRUE(refused.has_value());
  EXPECT_NE(refused->message().find("read-only"), std::string::npos) << refused->message();
  EXPECT_NE(refused->message().find("not saved"), std::string::npos) << refused->message();
}

TEST_F(PostgresTest, ASchemaOfANewerHubIsRefused) {
  const PostgresOptions options = fresh_options();
  open_store(options, clock_).reset();
  server().sql("UPDATE " + options.schema + ".counters SET value = 99 WHERE name = 'schema'");
  SystemRandom random;
  const auto refused = PostgresStore::open(options, clock_, random);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("newer version"), std::string::npos);
}

TEST_F(PostgresTest, AMigrationWantsTheDatabaseAloneAndAnEmptyOne) {
  PostgresOptions options = fresh_options();
  options.patience = std::chrono::milliseconds(300);
  {
    const auto store = open_store(options, clock_);
    EXPECT_EQ(postgres_source(options, SourceUse::Alone).error().kind(), ErrorKind::Conflict);
    EXPECT_TRUE(postgres_source(options, SourceUse::BesideHubs).ok());
    ASSERT_TRUE(run(store->create(shard_, key("a"), "1")).ok());
  }
  EXPECT_EQ(postgres_target(options).error().kind(), ErrorKind::AlreadyExists);
  const auto source = postgres_source(options, SourceUse::Alone);
  ASSERT_TRUE(source.ok()) << source.error().to_string();
  SystemRandom random;
  const auto hub = PostgresStore::open(options, clock_, random);
  ASSERT_FALSE(hub.ok());
  EXPECT_NE(hub.error().message().find("being migrated"), std::string::npos);
}

TEST(PostgresUrl, NeedsVerifiedTlsOverTheNetwork) {
  const auto value = [](const PostgresSettings& s, std::string_view keyword) -> std::string {
    for (const auto& [k, v] : s.keywords) {
      if (k == keyword) {
        return v;
      }
    }
    return "(none)";
  };
  const auto remote = parse_postgres_url("postgres://me@db.example.com:5433/hub", Secret("pw"));
  ASSERT_TRUE(remote.ok());
  EXPECT_EQ(value(*remote, "sslmode"), "verify-full");
  EXPECT_EQ(value(*remote, "user"), "me");
  EXPECT_EQ(value(*remote, "port"), "5433");
  EXPECT_EQ(value(*remote, "password"), "(none)");
  EXPECT_EQ(remote->shown, "db.example.com/hub");
  EXPECT_EQ(value(*parse_postgres_url("postgres://127.0.0.1/hub", Secret()), "sslmode"),
            "verify-full");
  EXPECT_EQ(value(*parse_postgres_url("postgres:///hub?hostaddr=127.0.0.1", Secret()), "sslmode"),
            "verify-full");
  EXPECT_EQ(
      value(*parse_postgres_url("postgres:///hub?host=/run/a,db.example.com", Secret()), "sslmode"),
      "verify-full");
  EXPECT_EQ(value(*parse_postgres_url("postgres:///hub", Secret()), "host"), "/var/run/postgresql");
  for (const char* url :
       {"postgres://db/hub?sslmode=require", "postgres://db/hub?sslmode=disable",
        "postgres://me:secret@db/hub", "postgres://db/hub?password=secret",
        "postgres://db/hub?service=x", "postgres://db/hub?options=-c%20fsync=off", "mysql://db/hub",
        "postgres://db/hub?nonsense=1", "postgres://db:port/%zz"}) {
    const auto refused = parse_postgres_url(url, Secret());
    ASSERT_FALSE(refused.ok()) << url;
    EXPECT_EQ(refused.error().kind(), ErrorKind::InvalidArgument);
    EXPECT_EQ(refused.error().message().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace roadstead::storage
