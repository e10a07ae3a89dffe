// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_store.h"

#include "io/shard.h"
#include "storage/change_feed.h"
#include "storage/retention_clock.h"
#include "storage/sqlite/file_lock.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/tables.h"

namespace roadstead::storage {
namespace {

constexpr std::string_view kInMemory = ":memory:";

class SqliteStoreImpl final : public SqliteStore {
 public:
  SqliteStoreImpl(const SqliteOptions& options, const Clock& clock, FileLock lock,
                  std::unique_ptr<Connection> writer, std::unique_ptr<Connection> reader)
      : lock_(std::move(lock)),
        write_connection_(std::move(writer)),
        read_connection_(std::move(reader)),
        tables_(*write_connection_),
        retention_(clock, options.history),
        writer_(options.inline_execution ? nullptr : std::make_unique<io::ShardThread>(clock)),
        reader_(options.inline_execution || read_connection_ == nullptr
                    ? nullptr
                    : std::make_unique<io::ShardThread>(clock)),
        // A store in memory has one connection, which is the writer's.
        reads_(options.queued_reads, reader_ == nullptr ? writer_.get() : reader_.get()),
        writes_(options.queued_writes, writer_.get(),
                [this](std::span<Write* const> batch) { commit(batch); }) {}
  ~SqliteStoreImpl() override {
    reader_.reset();
    writer_.reset();
  }

  Result<void> load() {
    TRY_VOID(tables_.load());
    feed_.start_at(tables_.revision());
    retention_.note(tables_.revision());
    return {};
  }

  io::Task<Result<Revision>> create(io::Executor& executor, Key key, std::string value) override {
    return write(executor, {Write::Verb::Create, std::move(key), 0, std::move(value)});
  }
  io::Task<Result<Revision>> update(io::Executor& executor, Key key, Revision expected,
                                    std::string value) override {
    return write(executor, {Write::Verb::Update, std::move(key), expected, std::move(value)});
  }
  io::Task<Result<Revision>> remove(io::Executor& executor, Key key, Revision expected,
                                    std::string last_state) override {
    return write(executor, {Write::Verb::Remove, std::move(key), expected, std::move(last_state)});
  }
  io::Task<Result<Record>> get(io::Executor& executor, Key key) override {
    return read<Record>(executor,
                        [key = std::move(key)](Connection& c) { return read_record(c, key); });
  }
  io::Task<Result<ListPage>> list(io::Executor& executor, ListQuery query) override {
    return read<ListPage>(
        executor, [query = std::move(query)](Connection& c) { return read_list(c, query); });
  }
  io::Task<Result<Changes>> changes(io::Executor& executor, Revision since,
                                    std::size_t limit) override {
    if (auto recent = feed_.since(since, limit)) {
      co_return std::move(*recent);
    }
    co_return co_await read<Changes>(
        executor, [since, limit](Connection& c) { return read_changes(c, since, limit); });
  }
  io::Task<Result<Revision>> current_revision(io::Executor&) override {
    co_return feed_.revision();
  }
  std::unique_ptr<Subscription> subscribe(io::Executor& executor,
                                          UniqueFunction<void()> on_commit) override {
    return feed_.subscribe(executor, std::move(on_commit));
  }

  io::Task<Result<SealedBlob>> get_secret(io::Executor& executor, std::string name) override {
    return read<SealedBlob>(
        executor, [name = std::move(name)](Connection& c) { return read_secret(c, name); });
  }
  io::Task<Result<std::uint64_t>> put_secret(io::Executor& executor, std::string name,
                                             std::uint64_t expected, std::string bytes) override {
    return write(executor,
                 {Write::Verb::PutSecret, {"", "", std::move(name)}, expected, std::move(bytes)});
  }
  io::Task<Result<void>> remove_secret(io::Executor& executor, std::string name,
                                       std::uint64_t expected) override {
    CO_TRY_VOID(co_await write(
        executor, {Write::Verb::RemoveSecret, {"", "", std::move(name)}, expected, ""}));
    co_return Result<void>();
  }
  io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor& executor,
                                                          std::string prefix) override {
    return read<std::vector<std::string>>(executor, [prefix = std::move(prefix)](Connection& c) {
      return read_secret_names(c, prefix);
    });
  }

  io::Task<Result<void>> compact(io::Executor& executor) override {
    ReadQueue queue(1, writer_.get());
    co_return co_await queue.run<void>(executor, [this] { return compact_now(); });
  }

 private:
  template <class T, class F>
  io::Task<Result<T>> read(io::Executor& executor, F f) {
    return reads_.run<T>(executor, [this, f = std::move(f)] {
      return f(read_connection_ == nullptr ? *write_connection_ : *read_connection_);
    });
  }
  io::Task<Result<std::uint64_t>> write(io::Executor& executor, Write write) {
    return writes_.write(executor, std::move(write));
  }

  // On the writer's thread.
  void commit(std::span<Write* const> batch) {
    auto committed = apply(batch);
    if (committed.ok()) {
      CHECK(feed_.publish(std::move(*committed)), "revisions are given without a gap");
      retention_.note(tables_.revision());
    } else {
      for (Write* write : batch) {
        write->result = committed.error();
      }
    }
    if (retention_.boundary() > tables_.compacted()) {
      static_cast<void>(compact_now());  // tried again beside the next write
    }
  }

  Result<std::vector<Change>> apply(std::span<Write* const> batch) {
    TRY_VOID(tables_.begin());
    for (Write* write : batch) {
      if (!tables_.apply(*write)) {
        Error error = write->result.error();
        tables_.abort();
        return error;
      }
    }
    auto changes = tables_.commit();
    if (!changes.ok()) {
      tables_.abort();
    }
    return changes;
  }

  Result<void> compact_now() { return tables_.compact(retention_.boundary()); }

  FileLock lock_;
  std::unique_ptr<Connection> write_connection_;
  std::unique_ptr<Connection> read_connection_;
  TableWriter tables_;        // writer thread
  RetentionClock retention_;  // writer thread
  ChangeFeed feed_;
  std::unique_ptr<io::ShardThread> writer_;
  std::unique_ptr<io::ShardThread> reader_;
  ReadQueue reads_;
  GroupCommit writes_;
};

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(SqliteOptions options, const Clock& clock) {
  FileLock lock;
  const bool in_memory = options.path == kInMemory;
  if (!in_memory) {
    TRY(lock, FileLock::acquire(options.path));
    TRY_VOID(create_private_file(options.path));
  }
  TRY(auto writer, Connection::open(options.path, Connection::Access::ReadWrite));
  TRY_VOID(configure_writer(*writer));
  auto prepared = prepare_schema(*writer);
  if (!prepared.ok()) {
    return std::move(prepared).with_context("store " + options.path).error();
  }
  std::unique_ptr<Connection> reader;
  if (!in_memory) {
    TRY(reader, Connection::open(options.path, Connection::Access::ReadOnly));
  }
  auto store = std::make_unique<SqliteStoreImpl>(options, clock, std::move(lock), std::move(writer),
                                                 std::move(reader));
  TRY_VOID(store->load());
  return std::unique_ptr<SqliteStore>(std::move(store));
}

}  // namespace roadstead::storage
