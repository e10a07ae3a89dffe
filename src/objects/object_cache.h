// SPDX-License-Identifier: Apache-2.0
// All objects of all kinds in memory, kept up to date from the store's change log, and per kind a
// bounded run of the latest events. Reads and watches are served from here.
//
// Lives on one executor, the home of the object API. The owner calls start(), spawns run(), and
// close()s it before joining.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/event.h"
#include "io/sleep.h"
#include "io/task.h"
#include "objects/kind.h"
#include "objects/object.h"
#include "storage/object_store.h"

namespace roadstead::objects {

struct CacheEvent {
  Revision revision = 0;
  bool deleted = false;
  ObjectPtr object;    // for a deletion: the last state, with the deletion's revision
  ObjectPtr previous;  // the state before; nullptr for a creation
};

// The objects of one kind. `path` order is the store's order.
class KindCache {
 public:
  explicit KindCache(const Kind& kind) : kind_(kind) {}

  const Kind& kind() const { return kind_; }
  const std::map<std::string, ObjectPtr>& objects() const { return objects_; }
  ObjectPtr find(const kube::ObjectKey& key) const;

  // Events after `since`, at most `limit`; nullopt when the run does not reach back that far.
  std::optional<std::vector<CacheEvent>> events(Revision since, std::size_t limit) const;

  // Pulsed after each change of this kind and when the cache closes.
  void listen(io::Event& event) { listeners_.push_back(&event); }
  void unlisten(io::Event& event) { std::erase(listeners_, &event); }

 private:
  friend class ObjectCache;
  void reset(Revision revision);
  void put(ObjectPtr object);
  void add(CacheEvent event);
  void wake();

  const Kind& kind_;
  std::map<std::string, ObjectPtr> objects_;
  std::deque<CacheEvent> run_;
  std::size_t run_bytes_ = 0;
  Revision before_run_ = 0;  // run_ holds all events after this
  std::vector<io::Event*> listeners_;
};

class ObjectCache {
 public:
  ObjectCache(io::Executor& home, storage::ObjectStore& store, const KindRegistry& kinds);
  ~ObjectCache();

  io::Task<Result<void>> start();
  io::Task<void> run();
  void close();
  bool closed() const { return closed_; }

  // Everything up to here is visible.
  Revision revision() const { return revision_; }
  // Fails with Cancelled after close().
  io::Task<Result<void>> wait_for(Revision revision);
  // Waits until what is committed now is visible.
  io::Task<Result<void>> catch_up();

  KindCache& of(const Kind& kind);
  // Events of a kind after `since`, from memory or, further back, from the store. Fails with Gone.
  // `up_to` tells how far the answer reaches.
  struct Batch {
    std::vector<CacheEvent> events;
    Revision up_to = 0;
  };
  io::Task<Result<Batch>> events(const Kind& kind, Revision since, std::size_t limit);

  io::Executor& home() { return home_; }

 private:
  io::Task<Result<void>> load();
  io::Task<Result<void>> follow_once();
  Result<void> apply(const storage::Change& change);

  io::Executor& home_;
  storage::ObjectStore& store_;
  std::map<std::string, std::unique_ptr<KindCache>, std::less<>> kinds_;  // by storage name
  Revision revision_ = 0;
  bool closed_ = false;
  io::Event committed_;  // the store has more
  io::Event progressed_;
  io::StoppableSleep pause_;
  std::unique_ptr<storage::Subscription> subscription_;
};

// An event of the store as one of the cache.
Result<CacheEvent> to_event(const storage::Change& change);

}  // namespace roadstead::objects
