// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_store.h"

#include <sys/stat.h>

#include <cstdio>
#include <deque>
#include <mutex>

#include "io/event.h"
#include "io/shard.h"
#include "storage/sqlite/change_feed.h"
#include "storage/sqlite/file_lock.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/tables.h"

namespace roadstead::storage {
namespace {

constexpr std::string_view kInMemory = ":memory:";

// Remembers which revision was current when, so that history is kept for a time, not a number.
class RetentionClock {
 public:
  RetentionClock(const Clock& clock, Duration history) : clock_(clock), history_(history) {}

  void note(Revision revision) {
    const MonotonicTime now = clock_.now();
    if (marks_.empty() || now - marks_.back().first >= std::chrono::seconds(1)) {
      marks_.emplace_back(now, revision);
    }
  }
  // The newest revision that was current `history` ago; 0: none yet.
  Revision boundary() {
    const MonotonicTime now = clock_.now();
    while (!marks_.empty() && now - marks_.front().first >= history_) {
      boundary_ = marks_.front().second;
      marks_.pop_front();
    }
    return boundary_;
  }

 private:
  const Clock& clock_;
  Duration history_;
  std::deque<std::pair<MonotonicTime, Revision>> marks_;
  Revision boundary_ = 0;
};

struct PendingWrite {
  // False when the store itself failed, which ends the whole transaction.
  UniqueFunction<bool(TableWriter&)> apply;
  // Told once, after the commit; with the error when there was none.
  UniqueFunction<void(const Error*)> done;
};

class Store final : public SqliteStore {
 public:
  Store(SqliteOptions options, const Clock& clock, FileLock lock,
        std::unique_ptr<Connection> writer, std::unique_ptr<Connection> reader)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        write_connection_(std::move(writer)),
        read_connection_(std::move(reader)),
        tables_(*write_connection_),
        retention_(clock, options_.history) {
    if (!options_.inline_execution) {
      writer_ = std::make_unique<io::ShardThread>(clock);
      if (read_connection_ != nullptr) {
        reader_ = std::make_unique<io::ShardThread>(clock);
      }
    }
  }

  Result<void> load() {
    TRY_VOID(tables_.load());
    feed_.start_at(tables_.revision());
    retention_.note(tables_.revision());
    return {};
  }

  io::Task<Result<Revision>> create(io::Executor& executor, Key key, std::string value) override {
    return write<Revision>(executor, [key = std::move(key), value = std::move(value)](
                                         TableWriter& t) { return t.create(key, value); });
  }
  io::Task<Result<Revision>> update(io::Executor& executor, Key key, Revision expected,
                                    std::string value) override {
    return write<Revision>(
        executor, [key = std::move(key), expected, value = std::move(value)](TableWriter& t) {
          return t.update(key, expected, value);
        });
  }
  io::Task<Result<Revision>> remove(io::Executor& executor, Key key, Revision expected,
                                    std::string last_state) override {
    return write<Revision>(executor, [key = std::move(key), expected, last = std::move(last_state)](
                                         TableWriter& t) { return t.remove(key, expected, last); });
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
    return write<std::uint64_t>(
        executor, [name = std::move(name), expected, bytes = std::move(bytes)](TableWriter& t) {
          return t.put_secret(name, expected, bytes);
        });
  }
  io::Task<Result<void>> remove_secret(io::Executor& executor, std::string name,
                                       std::uint64_t expected) override {
    return write<void>(executor, [name = std::move(name), expected](TableWriter& t) {
      return t.remove_secret(name, expected);
    });
  }
  io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor& executor,
                                                          std::string prefix) override {
    return read<std::vector<std::string>>(executor, [prefix = std::move(prefix)](Connection& c) {
      return read_secret_names(c, prefix);
    });
  }

  io::Task<Result<void>> backup(io::Executor& executor, std::string path) override {
    return read<void>(executor,
                      [path = std::move(path)](Connection& c) { return copy_to(c, path); });
  }
  io::Task<Result<void>> compact(io::Executor& executor) override {
    return on_writer<void>(executor, [this] { return compact_now(); });
  }

 private:
  static Result<void> copy_to(Connection& connection, const std::string& path) {
    struct stat info{};
    if (stat(path.c_str(), &info) == 0) {
      return Error(ErrorKind::AlreadyExists, "backup " + path + " exists already");
    }
    const std::string partial = path + ".partial";
    std::remove(partial.c_str());
    TRY_VOID(create_private_file(partial));
    auto copied = connection.backup_to(partial);
    if (!copied.ok() || std::rename(partial.c_str(), path.c_str()) != 0) {
      std::remove(partial.c_str());
      return copied.ok() ? Error(ErrorKind::Storage, "backup " + path + " cannot be written")
                         : std::move(copied).error();
    }
    return {};
  }

  // Runs `f` on `thread`, or here when there is none.
  template <class T, class F>
  static io::Task<Result<T>> run_on(io::ShardThread* thread, io::Executor& executor, F f) {
    if (thread == nullptr) {
      co_return f();
    }
    std::optional<Result<T>> result;
    io::Event done(executor);
    thread->shard().post_remote([&] {
      result.emplace(f());
      executor.post_remote([&done] { done.set(); });
    });
    co_await done.wait();
    co_return std::move(*result);
  }
  template <class T, class F>
  io::Task<Result<T>> on_writer(io::Executor& executor, F f) {
    return run_on<T>(writer_.get(), executor, std::move(f));
  }
  template <class T, class F>
  io::Task<Result<T>> read(io::Executor& executor, F f) {
    // A store in memory has one connection, which is the writer's.
    if (read_connection_ == nullptr) {
      return run_on<T>(writer_.get(), executor,
                       [this, f = std::move(f)] { return f(*write_connection_); });
    }
    return run_on<T>(reader_.get(), executor,
                     [this, f = std::move(f)] { return f(*read_connection_); });
  }

  template <class T, class F>
  io::Task<Result<T>> write(io::Executor& executor, F f) {
    std::optional<Result<T>> result;
    io::Event done(executor);
    const bool queued =
        enqueue(PendingWrite{[&](TableWriter& tables) {
                               result.emplace(f(tables));
                               return result->ok() || result->error().kind() != ErrorKind::Storage;
                             },
                             [&](const Error* error) {
                               if (error != nullptr) {
                                 result.emplace(*error);
                               }
                               executor.post_remote([&done] { done.set(); });
                             }});
    if (!queued) {
      co_return Error(ErrorKind::TooManyRequests,
                      "too many writes wait for the store; nothing was written");
    }
    co_await done.wait();
    co_return std::move(*result);
  }

  bool enqueue(PendingWrite write) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (pending_.size() >= options_.max_queued_writes) {
        return false;
      }
      first = pending_.empty();
      pending_.push_back(std::move(write));
    }
    if (first) {
      if (writer_ != nullptr) {
        writer_->shard().post_remote([this] { drain(); });
      } else {
        drain();
      }
    }
    return true;
  }

  void drain() {
    std::vector<PendingWrite> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(pending_);
    }
    auto committed = commit(batch);
    if (committed.ok()) {
      feed_.publish(std::move(*committed));
      retention_.note(tables_.revision());
    }
    const Error* error = committed.ok() ? nullptr : &committed.error();
    for (PendingWrite& write : batch) {
      write.done(error);
    }
    if (retention_.boundary() > tables_.compacted()) {
      static_cast<void>(compact_now());  // tried again beside the next write
    }
  }

  Result<std::vector<Change>> commit(std::vector<PendingWrite>& batch) {
    TRY_VOID(tables_.begin());
    for (PendingWrite& write : batch) {
      if (!write.apply(tables_)) {
        Error error = write_connection_->last_error();
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

  SqliteOptions options_;
  FileLock lock_;
  std::unique_ptr<Connection> write_connection_;
  std::unique_ptr<Connection> read_connection_;
  TableWriter tables_;        // writer thread
  RetentionClock retention_;  // writer thread
  ChangeFeed feed_;
  std::mutex mutex_;
  std::vector<PendingWrite> pending_;
  // Last: they are joined first.
  std::unique_ptr<io::ShardThread> reader_;
  std::unique_ptr<io::ShardThread> writer_;
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
  auto store = std::make_unique<Store>(std::move(options), clock, std::move(lock),
                                       std::move(writer), std::move(reader));
  TRY_VOID(store->load());
  return std::unique_ptr<SqliteStore>(std::move(store));
}

}  // namespace roadstead::storage
