// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_store.h"

#include <algorithm>

#include "io/shard.h"
#include "storage/change_feed.h"
#include "storage/postgres/follower.h"
#include "storage/postgres/reads.h"
#include "storage/postgres/writer.h"
#include "storage/retention_clock.h"

namespace roadstead::storage {
namespace {

bool is_identifier(const std::string& name) {
  const auto ok = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && name.size() <= 48 && ok(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return ok(c) || (c >= '0' && c <= '9'); });
}

class PostgresStoreImpl final : public PostgresStore {
 public:
  PostgresStoreImpl(PostgresOptions options, const Clock& clock, std::string name)
      : session_options_{std::move(options.settings), std::move(options.schema), options.patience},
        retention_(clock, options.history),
        writer_(session_options_, io_clock_, stop_, feed_, std::move(name)),
        reader_(session_options_, io_clock_, stop_),
        follower_(session_options_, io_clock_, feed_),
        writer_thread_(std::make_unique<io::ShardThread>(io_clock_)),
        reader_thread_(std::make_unique<io::ShardThread>(io_clock_)),
        follower_thread_(std::make_unique<io::ShardThread>(io_clock_)),
        reads_(options.queued_reads, reader_thread_.get()),
        writes_(options.queued_writes, writer_thread_.get(),
                [this](std::span<Write* const> batch) { commit(batch); }) {}
  ~PostgresStoreImpl() override {
    stop_.wake();
    follower_.stop();
    follower_thread_.reset();
    reader_thread_.reset();
    writer_thread_.reset();
  }

  // Before anything else is called; the threads are idle.
  Result<void> start() {
    TRY_VOID(writer_.open());
    TRY(const Revision revision, postgres::read_revision(writer_.session()));
    feed_.start_at(revision);
    retention_.note(revision);
    follower_thread_->shard().post_remote([this] { follower_.run(); });
    return {};
  }

  io::Task<Result<Revision>> create(io::Executor& executor, Key key, std::string value) override {
    return writes_.write(executor, {Write::Verb::Create, std::move(key), 0, std::move(value)});
  }
  io::Task<Result<Revision>> update(io::Executor& executor, Key key, Revision expected,
                                    std::string value) override {
    return writes_.write(executor,
                         {Write::Verb::Update, std::move(key), expected, std::move(value)});
  }
  io::Task<Result<Revision>> remove(io::Executor& executor, Key key, Revision expected,
                                    std::string last_state) override {
    return writes_.write(executor,
                         {Write::Verb::Remove, std::move(key), expected, std::move(last_state)});
  }
  io::Task<Result<Record>> get(io::Executor& executor, Key key) override {
    return read<Record>(executor, [key = std::move(key)](postgres::Session& s) {
      return postgres::read_record(s, key);
    });
  }
  io::Task<Result<ListPage>> list(io::Executor& executor, ListQuery query) override {
    return read<ListPage>(executor, [query = std::move(query)](postgres::Session& s) {
      return postgres::read_list(s, query);
    });
  }
  io::Task<Result<Changes>> changes(io::Executor& executor, Revision since,
                                    std::size_t limit) override {
    if (auto recent = feed_.since(since, limit)) {
      co_return std::move(*recent);
    }
    co_return co_await read<Changes>(executor, [since, limit](postgres::Session& s) {
      return postgres::read_changes(s, since, limit);
    });
  }
  // Asks the database: another hub may have committed a moment ago.
  io::Task<Result<Revision>> current_revision(io::Executor& executor) override {
    CO_TRY(const Revision revision, co_await read<Revision>(executor, postgres::read_revision));
    if (revision > feed_.revision()) {
      follower_.look();
    }
    co_return revision;
  }
  std::unique_ptr<Subscription> subscribe(io::Executor& executor,
                                          UniqueFunction<void()> on_commit) override {
    return feed_.subscribe(executor, std::move(on_commit));
  }

  io::Task<Result<SealedBlob>> get_secret(io::Executor& executor, std::string name) override {
    return read<SealedBlob>(executor, [name = std::move(name)](postgres::Session& s) {
      return postgres::read_secret(s, name);
    });
  }
  io::Task<Result<std::uint64_t>> put_secret(io::Executor& executor, std::string name,
                                             std::uint64_t expected, std::string bytes) override {
    return writes_.write(
        executor, {Write::Verb::PutSecret, {"", "", std::move(name)}, expected, std::move(bytes)});
  }
  io::Task<Result<void>> remove_secret(io::Executor& executor, std::string name,
                                       std::uint64_t expected) override {
    CO_TRY_VOID(co_await writes_.write(
        executor, {Write::Verb::RemoveSecret, {"", "", std::move(name)}, expected, ""}));
    co_return Result<void>();
  }
  io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor& executor,
                                                          std::string prefix) override {
    return read<std::vector<std::string>>(executor,
                                          [prefix = std::move(prefix)](postgres::Session& s) {
                                            return postgres::read_secret_names(s, prefix);
                                          });
  }

  io::Task<Result<void>> compact(io::Executor& executor) override {
    ReadQueue queue(1, writer_thread_.get());
    co_return co_await queue.run<void>(executor, [this] { return compact_now(); });
  }

 private:
  template <class T, class F>
  io::Task<Result<T>> read(io::Executor& executor, F f) {
    return reads_.run<T>(executor, [this, f = std::move(f)] { return f(reader_); });
  }

  // On the writer's thread.
  void commit(std::span<Write* const> batch) {
    writer_.commit(batch);
    retention_.note(feed_.revision());
    if (retention_.boundary() > compacted_) {
      static_cast<void>(compact_now());  // tried again beside the next write
    }
  }
  Result<void> compact_now() {
    TRY(compacted_, writer_.compact(retention_.boundary()));
    return {};
  }

  // Deadlines of network I/O are real, whatever clock the history has.
  SystemClock io_clock_;
  postgres::SessionOptions session_options_;
  postgres::Wakeup stop_;
  ChangeFeed feed_;
  RetentionClock retention_;  // writer's thread
  Revision compacted_ = 0;    // likewise
  postgres::Writer writer_;
  postgres::Session reader_;
  postgres::Follower follower_;
  std::unique_ptr<io::ShardThread> writer_thread_;
  std::unique_ptr<io::ShardThread> reader_thread_;
  std::unique_ptr<io::ShardThread> follower_thread_;
  ReadQueue reads_;
  GroupCommit writes_;
};

}  // namespace

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(PostgresOptions options,
                                                           const Clock& clock, Random& random) {
  if (!is_identifier(options.schema)) {
    return Error(ErrorKind::InvalidArgument, "the store's schema is not a plain name");
  }
  auto store = std::make_unique<PostgresStoreImpl>(std::move(options), clock, random.hex(8));
  TRY_VOID(store->start());
  return std::unique_ptr<PostgresStore>(std::move(store));
}

}  // namespace roadstead::storage
