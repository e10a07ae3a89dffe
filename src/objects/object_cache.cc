// SPDX-License-Identifier: Apache-2.0
#include "objects/object_cache.h"

#include <algorithm>

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxRun = 4096;
constexpr std::size_t kMaxRunBytes = 16u << 20;
constexpr std::size_t kChangesAtOnce = 500;

std::size_t size_of(const CacheEvent& event) { return event.object->text.size() + 200; }

std::string path_of(const kube::ObjectKey& key) { return key.to_string(); }

}  // namespace

ObjectPtr KindCache::find(const kube::ObjectKey& key) const {
  const auto found = objects_.find(path_of(key));
  return found == objects_.end() ? nullptr : found->second;
}

std::optional<std::vector<CacheEvent>> KindCache::events(Revision since, std::size_t limit) const {
  if (since < before_run_) {
    return std::nullopt;
  }
  auto next = std::upper_bound(run_.begin(), run_.end(), since,
                               [](Revision r, const CacheEvent& e) { return r < e.revision; });
  std::vector<CacheEvent> out;
  for (; next != run_.end() && out.size() < limit; ++next) {
    out.push_back(*next);
  }
  return out;
}

void KindCache::reset(Revision revision) {
  objects_.clear();
  run_.clear();
  run_bytes_ = 0;
  before_run_ = revision;
}

void KindCache::put(ObjectPtr object) {
  std::string path = path_of(object->key);
  objects_.insert_or_assign(std::move(path), std::move(object));
}

void KindCache::add(CacheEvent event) {
  if (event.deleted) {
    objects_.erase(path_of(event.object->key));
  } else {
    put(event.object);
  }
  run_bytes_ += size_of(event);
  run_.push_back(std::move(event));
  while (run_.size() > kMaxRun || run_bytes_ > kMaxRunBytes) {
    run_bytes_ -= size_of(run_.front());
    before_run_ = run_.front().revision;
    run_.pop_front();
  }
  wake();
}

void KindCache::wake() {
  for (io::Event* listener : listeners_) {
    listener->pulse();
  }
}

Result<CacheEvent> to_event(const storage::Change& change) {
  CacheEvent event;
  event.revision = change.revision;
  event.deleted = change.deleted;
  TRY(event.object, make_object(change.key, change.revision, change.value));
  if (change.previous) {
    // Its own revision is not known here, and nobody asks for it.
    TRY(event.previous, make_object(change.key, 0, *change.previous));
  }
  return event;
}

ObjectCache::ObjectCache(io::Executor& home, storage::ObjectStore& store, const KindRegistry& kinds)
    : home_(home), store_(store), committed_(home), progressed_(home), pause_(home) {
  for (const auto& kind : kinds.all()) {
    kinds_.emplace(kind->storage_name(), std::make_unique<KindCache>(*kind));
  }
}

ObjectCache::~ObjectCache() = default;

KindCache& ObjectCache::of(const Kind& kind) {
  const auto found = kinds_.find(kind.storage_name());
  CHECK(found != kinds_.end(), "the kind is of another registry");
  return *found->second;
}

io::Task<Result<void>> ObjectCache::start() {
  subscription_ = store_.subscribe(home_, [this] { committed_.set(); });
  co_return co_await load();
}

io::Task<Result<void>> ObjectCache::load() {
  CO_TRY(const Revision at, co_await store_.current_revision(home_));
  for (auto& [name, cache] : kinds_) {
    cache->reset(at);
    storage::ListQuery query{.resource = name, .limit = 1000};
    // Revision 0 would mean "now"; an empty store has nothing to list.
    query.at = at;
    for (bool more = at > 0; more;) {
      CO_TRY(storage::ListPage page, co_await store_.list(home_, query));
      for (const storage::Record& record : page.records) {
        CO_TRY(ObjectPtr object, make_object(record.key, record.revision, record.value));
        cache->put(std::move(object));
      }
      more = page.more;
      if (more) {
        query.after = page.records.back().key.path();
      }
    }
    cache->wake();
  }
  revision_ = at;
  progressed_.pulse();
  co_return Result<void>();
}

io::Task<void> ObjectCache::run() {
  while (!closed_) {
    committed_.reset();
    Result<void> done = co_await follow_once();
    if (!done.ok() && done.error().kind() == ErrorKind::Gone) {
      done = co_await load();  // we were away longer than the history
    }
    if (!done.ok()) {
      co_await pause_.sleep(std::chrono::seconds(1));
      continue;
    }
    if (!closed_) {
      co_await committed_.wait();
    }
  }
}

io::Task<Result<void>> ObjectCache::follow_once() {
  for (;;) {
    CO_TRY(storage::Changes batch, co_await store_.changes(home_, revision_, kChangesAtOnce));
    for (const storage::Change& change : batch.changes) {
      CO_TRY_VOID(apply(change));
    }
    const bool moved = batch.up_to != revision_;
    revision_ = std::max(revision_, batch.up_to);
    if (moved) {
      progressed_.pulse();
    }
    if (!batch.more) {
      co_return Result<void>();
    }
  }
}

Result<void> ObjectCache::apply(const storage::Change& change) {
  const auto cache = kinds_.find(change.key.resource);
  if (cache == kinds_.end()) {
    return {};  // a kind that this program does not know
  }
  CacheEvent event{change.revision, change.deleted, nullptr, nullptr};
  TRY(event.object, make_object(change.key, change.revision, change.value));
  // The state before is at hand: no need to keep a second copy.
  event.previous = cache->second->find(event.object->key);
  cache->second->add(std::move(event));
  return {};
}

void ObjectCache::close() {
  closed_ = true;
  subscription_.reset();
  pause_.stop();
  committed_.set();
  progressed_.pulse();
  for (auto& [name, cache] : kinds_) {
    cache->wake();
  }
}

io::Task<Result<void>> ObjectCache::wait_for(Revision revision) {
  while (revision_ < revision && !closed_) {
    co_await progressed_.wait_next();
  }
  if (closed_) {
    co_return Error(ErrorKind::Cancelled, "the object API is shutting down");
  }
  co_return Result<void>();
}

io::Task<Result<void>> ObjectCache::catch_up() {
  CO_TRY(const Revision now, co_await store_.current_revision(home_));
  co_return co_await wait_for(now);
}

io::Task<Result<ObjectCache::Batch>> ObjectCache::events(const Kind& kind, Revision since,
                                                         std::size_t limit) {
  Batch out;
  if (auto recent = of(kind).events(since, limit)) {
    out.up_to = recent->size() < limit ? std::max(revision_, since) : recent->back().revision;
    out.events = std::move(*recent);
    co_return out;
  }
  CO_TRY(storage::Changes old, co_await store_.changes(home_, since, limit));
  out.up_to = old.up_to;
  for (const storage::Change& change : old.changes) {
    if (change.key.resource == kind.storage_name()) {
      CO_TRY(CacheEvent event, to_event(change));
      out.events.push_back(std::move(event));
    }
  }
  co_return out;
}

}  // namespace roadstead::objects
