// SPDX-License-Identifier: Apache-2.0
// Uses a store as a hub does, and tells its standard output what happens, one line a time, so that
// a test that kills it knows what had been acknowledged:
//
//   write: "ready REVISION", then for each write "try OP KEY DIGEST", and afterwards
//          "ack OP KEY REVISION DIGEST" or "no OP KEY KIND MESSAGE"; a watch beside it tells
//          "saw REVISION OP KEY DIGEST"
//   dump:  "object KEY REVISION DIGEST" of each object, "saw …" of the whole history, "end
//   REVISION"
//
// A value is "DIGEST:filling" with the digest of its filling, so that half a value shows.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/random.h"
#include "io/event.h"
#include "io/shard.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "storage/postgres/postgres_store.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead {
namespace {

using storage::Change;
using storage::Key;
using storage::Revision;

constexpr const char* kResource = "things.example.com";

struct Options {
  std::string store;
  int writers = 8;
  int writes = 0;  // of each writer; 0: until killed
  std::size_t size = 2000;
  Revision since = 0;
  std::string prefix = "w";
  bool stop_at_error = false;
  int patience_ms = 15'000;
};

// One write(2) for a line: after a kill there are whole lines only.
void say(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    _exit(3);
  }
}

std::string digest_of(std::string_view filling) {
  std::uint64_t hash = 1469598103934665603U;  // FNV-1a
  for (const char c : filling) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  char text[17];
  std::snprintf(text, sizeof(text), "%016lx", hash);
  return text;
}

std::string make_value(Random& random, std::size_t size) {
  std::string filling = random.hex(8);
  filling.resize(8 + random.below(size), 'x');
  filling += random.hex(4);
  return digest_of(filling) + ":" + filling;
}

// "broken" when the value is not whole.
std::string digest_in(const std::string& value) {
  const std::string digest = value.substr(0, 16);
  return value.size() > 17 && digest_of(std::string_view(value).substr(17)) == digest ? digest
                                                                                      : "broken";
}

void say_change(const Change& change) {
  say("saw " + std::to_string(change.revision) + (change.deleted ? " remove " : " put ") +
      change.key.name + " " + digest_in(change.value));
}

class Client {
 public:
  Client(io::Shard& shard, storage::Store& store, Random& random, const Options& options)
      : shard_(shard), store_(store), random_(random), options_(options), committed_(shard) {}

  io::Task<void> write() {
    auto subscription = store_.subscribe(shard_, [this] { committed_.set(); });
    io::TaskGroup writers(shard_);
    io::TaskGroup watch(shard_);
    watch.spawn(follow());
    for (int i = 0; i < options_.writers; ++i) {
      writers.spawn(one_writer(options_.prefix + std::to_string(i) + "-"));
    }
    co_await writers.join();
    const auto end = co_await store_.current_revision(shard_);
    end_ = end.ok() ? *end : 1;
    committed_.set();
    co_await watch.join();
  }

  io::Task<void> dump() {
    storage::ListQuery query{.resource = kResource, .limit = 500};
    for (bool more = true; more;) {
      const auto page = co_await store_.list(shard_, query);
      CHECK(page.ok(), page.error().to_string());
      for (const storage::Record& record : page->records) {
        say("object " + record.key.name + " " + std::to_string(record.revision) + " " +
            digest_in(record.value));
        query.after = record.key.path();
      }
      query.at = page->revision;
      more = page->more;
    }
    Revision at = options_.since;
    for (bool more = true; more;) {
      const auto got = co_await store_.changes(shard_, at, 500);
      CHECK(got.ok(), got.error().to_string());
      for (const Change& change : got->changes) {
        say_change(change);
      }
      at = got->up_to;
      more = got->more;
    }
    say("end " + std::to_string(at));
  }

  bool failed() const { return failed_; }

 private:
  io::Task<void> follow() {
    Revision at = options_.since;
    while (end_ == 0 || at < end_) {
      committed_.reset();
      auto got = co_await store_.changes(shard_, at, 100);
      if (!got.ok()) {
        say("watch " + got.error().to_string());
        co_await io::sleep_for(shard_, std::chrono::milliseconds(50));
        continue;
      }
      for (const Change& change : got->changes) {
        say_change(change);
      }
      at = got->up_to;
      if (!got->more && (end_ == 0 || at < end_)) {
        co_await committed_.wait();
      }
    }
  }

  // Works on a few names of its own: creates what is not there, replaces and removes what is.
  io::Task<void> one_writer(std::string prefix) {
    std::map<std::string, Revision> present;
    for (int i = 0; (options_.writes == 0 || i < options_.writes) && !failed_; ++i) {
      const std::string name = prefix + std::to_string(random_.below(6));
      co_await one_write(name, present);
    }
  }

  io::Task<void> one_write(std::string name, std::map<std::string, Revision>& present) {
    const Key key{kResource, "", name};
    const auto known = present.find(name);
    if (known == present.end()) {
      // A life before this one may have left it.
      const auto before = co_await store_.get(shard_, key);
      if (before.ok()) {
        present[name] = before->revision;
        co_return;
      }
    }
    const bool removes = known != present.end() && random_.below(4) == 0;
    const std::string op = removes ? "remove" : "put";
    std::string value = make_value(random_, options_.size);
    const std::string digest = value.substr(0, 16);
    say("try " + op + " " + name + " " + digest);
    Result<Revision> done = 0;
    if (removes) {
      done = co_await store_.remove(shard_, key, known->second, std::move(value));
    } else if (known != present.end()) {
      done = co_await store_.update(shard_, key, known->second, std::move(value));
    } else {
      done = co_await store_.create(shard_, key, std::move(value));
    }
    if (!done.ok()) {
      say("no " + op + " " + name + " " + done.error().to_string());
      failed_ = failed_ || options_.stop_at_error;
      present.erase(name);
      co_return;
    }
    say("ack " + op + " " + name + " " + std::to_string(*done) + " " + digest);
    if (removes) {
      present.erase(name);
    } else {
      present[name] = *done;
    }
  }

  io::Shard& shard_;
  storage::Store& store_;
  Random& random_;
  const Options& options_;
  io::Event committed_;
  Revision end_ = 0;
  bool failed_ = false;
};

Result<std::unique_ptr<storage::Store>> open_store(const Options& options, const Clock& clock,
                                                   Random& random) {
  constexpr Duration kHistory = std::chrono::hours(24);
  if (options.store.find("://") == std::string::npos) {
    storage::SqliteOptions sqlite;
    sqlite.path = options.store;
    sqlite.history = kHistory;
    TRY(auto store, storage::SqliteStore::open(sqlite, clock));
    return std::unique_ptr<storage::Store>(std::move(store));
  }
  storage::PostgresOptions postgres;
  TRY(postgres.settings, storage::parse_postgres_url(options.store, Secret()));
  postgres.history = kHistory;
  postgres.patience = std::chrono::milliseconds(options.patience_ms);
  TRY(auto store, storage::PostgresStore::open(postgres, clock, random));
  return std::unique_ptr<storage::Store>(std::move(store));
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Uses a store of the hub, for tests");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--store", options.store, "a file or postgres://…")->required();
  app.add_option("--since", options.since, "where the watch goes on");
  CLI::App* const write = app.add_subcommand("write");
  write->add_option("--writers", options.writers);
  write->add_option("--writes", options.writes);
  write->add_option("--size", options.size);
  write->add_option("--prefix", options.prefix);
  write->add_option("--patience-ms", options.patience_ms);
  write->add_flag("--stop-at-error", options.stop_at_error);
  app.add_subcommand("dump");
  CLI11_PARSE(app, argc, argv);
  const SystemClock clock;
  SystemRandom random;
  auto store = open_store(options, clock, random);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.error().to_string().c_str());
    return 2;
  }
  io::Shard shard(clock);
  Client client(shard, **store, random, options);
  if (write->parsed()) {
    say("ready");
    shard.run_until_done(client.write());
  } else {
    shard.run_until_done(client.dump());
  }
  return client.failed() ? 1 : 0;
}

}  // namespace
}  // namespace roadstead

int main(int argc, char** argv) { return roadstead::main(argc, argv); }
