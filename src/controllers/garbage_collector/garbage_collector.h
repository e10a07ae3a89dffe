// SPDX-License-Identifier: Apache-2.0
// Deletes objects whose owners are all gone, and finishes deletions that wait for it: finalizer
// `orphan` (dependents lose the reference first) and `foregroundDeletion` (dependents go first).
// The rules are those of Kubernetes' own (pkg/controller/garbagecollector):
//
//   - an owner is who has the reference's kind, name and uid; another uid is another object
//   - a cluster-scoped object cannot be owned by a namespaced one: it is left alone; a namespaced
//     owner is looked for in the object's own namespace
//   - an owner of a kind that is not collected here counts as there
//   - before anything is deleted the API is asked; what an informer has may be old
//
// Lives on the executor of its parts. The owner spawns run(), calls stop() and joins.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controllers/garbage_collector/owner_references.h"
#include "kube/controller/controller.h"

namespace roadstead::controllers {

struct CollectedKind {
  kube::Resource resource;
  std::string kind;  // "Cluster"
};

class GarbageCollector final : private kube::Reconciler {
 public:
  GarbageCollector(const kube::ControllerParts& parts, kube::Transport& transport,
                   const std::vector<CollectedKind>& kinds);

  io::Task<void> run() { return controller_.run(); }
  void stop() { controller_.stop(); }
  bool idle() const;  // nothing waits and nothing runs, for tests

 private:
  struct Watched {
    CollectedKind kind;
    std::unique_ptr<kube::Informer> informer;
  };
  struct Found {
    const Watched* kind = nullptr;
    kube::ObjectValue object;
  };
  // What became of the owners of an object.
  struct Owners {
    bool misplaced = false;
    bool solid = false;              // one is there and stays
    std::vector<std::string> gone;   // uids
    std::vector<std::string> going;  // deleted in the foreground
  };

  io::Task<Result<kube::Reconciled>> reconcile(kube::WorkKey key) override;
  io::Task<Result<void>> collect(const Watched& kind, kube::ObjectKey key, json::value object);
  io::Task<Result<Owners>> look_at_owners(const Watched& kind, kube::ObjectKey key,
                                          const json::value& object);
  io::Task<Result<void>> orphan_dependents(const Watched& kind, kube::ObjectKey key,
                                           json::value object);
  io::Task<Result<void>> finish_foreground(const Watched& kind, kube::ObjectKey key,
                                           json::value object);
  io::Task<Result<void>> remove(const Watched& kind, kube::ObjectKey key, json::value object,
                                kube::Propagation propagation);
  io::Task<Result<void>> patch(const Watched& kind, kube::ObjectKey key, json::value patch);

  void on_change(const Watched& kind, const kube::Change& change);
  void add(const Watched& kind, const kube::ObjectKey& key, bool urgent);
  void add_dependents(std::string_view uid);
  void add_waiting_owners(const json::value& object);
  std::vector<Found> dependents_of(std::string_view uid) const;
  std::vector<Found> found_by(std::string_view index, std::string_view uid) const;
  const Watched* find_kind(const std::string& api_version, const std::string& kind) const;

  kube::Transport& transport_;
  telemetry::Logger logger_;
  telemetry::Counter& collected_;
  kube::Controller controller_;
  std::vector<Watched> kinds_;
};

}  // namespace roadstead::controllers
