// SPDX-License-Identifier: Apache-2.0
#include "controllers/garbage_collector/garbage_collector.h"

#include <algorithm>

namespace roadstead::controllers {
namespace {

constexpr std::string_view kByOwner = "owner";
constexpr std::string_view kByUid = "uid";

std::vector<std::string> owner_uids(const json::value& object) {
  std::vector<std::string> out;
  for (OwnerReference& owner : owners_of(object)) {
    out.push_back(std::move(owner.uid));
  }
  return out;
}

// A thing that is gone already is as it should be.
Result<void> unless_gone(Result<void> outcome) {
  return outcome.ok() || outcome.error().kind() == ErrorKind::NotFound ? Result<void>()
                                                                       : std::move(outcome);
}

}  // namespace

GarbageCollector::GarbageCollector(const kube::ControllerParts& parts, kube::Transport& transport,
                                   const std::vector<CollectedKind>& kinds)
    : transport_(transport),
      logger_(parts.logger),
      collected_(parts.metrics.counter("roadstead_garbage_collected_total",
                                       "Objects deleted because their owners were gone.")),
      controller_(parts, "garbage-collector", *this, {.workers = 4, .queue = {}}) {
  kinds_.reserve(kinds.size());  // handlers refer to entries
  for (const CollectedKind& kind : kinds) {
    Watched& watched = kinds_.emplace_back();
    watched.kind = kind;
    watched.informer = std::make_unique<kube::Informer>(
        parts, transport, "garbage-collector/" + kind.resource.to_string(), kind.resource,
        kube::Selection{
            .namespace_ = "", .label_selector = "", .field_selector = "", .metadata_only = true});
    watched.informer->add_index(std::string(kByOwner), owner_uids);
    watched.informer->add_index(std::string(kByUid), [](const json::value& object) {
      return std::vector{std::string(kube::uid_of(object))};
    });
    watched.informer->add_handler(
        [this, &watched](const kube::Change& change) { on_change(watched, change); });
    controller_.add_informer(*watched.informer);
  }
}

bool GarbageCollector::idle() const {
  const kube::WorkQueue& queue = controller_.queue();
  return queue.depth() + queue.delayed() + queue.processing() == 0;
}

void GarbageCollector::add(const Watched& kind, const kube::ObjectKey& key, bool urgent) {
  controller_.queue().add({kind.kind.resource.to_string(), key},
                          urgent ? kube::Priority::Urgent : kube::Priority::Background);
}

std::vector<GarbageCollector::Found> GarbageCollector::found_by(std::string_view index,
                                                                std::string_view uid) const {
  std::vector<Found> out;
  for (const Watched& kind : kinds_) {
    for (kube::ObjectValue& object : kind.informer->by_index(index, uid)) {
      out.push_back({&kind, std::move(object)});
    }
  }
  return out;
}

std::vector<GarbageCollector::Found> GarbageCollector::dependents_of(std::string_view uid) const {
  return found_by(kByOwner, uid);
}

const GarbageCollector::Watched* GarbageCollector::find_kind(const std::string& api_version,
                                                             const std::string& kind) const {
  for (const Watched& watched : kinds_) {
    if (watched.kind.kind == kind && watched.kind.resource.api_version() == api_version) {
      return &watched;
    }
  }
  return nullptr;
}

void GarbageCollector::add_dependents(std::string_view uid) {
  for (const Found& dependent : dependents_of(uid)) {
    add(*dependent.kind, kube::key_of(*dependent.object), true);
  }
}

void GarbageCollector::add_waiting_owners(const json::value& object) {
  for (const OwnerReference& reference : owners_of(object)) {
    for (const Found& owner : found_by(kByUid, reference.uid)) {
      if (waits_for_dependents(*owner.object)) {
        add(*owner.kind, kube::key_of(*owner.object), true);
      }
    }
  }
}

void GarbageCollector::on_change(const Watched& kind, const kube::Change& change) {
  const json::value& object = *change.object;
  if (change.type == kube::Change::Type::Deleted) {
    add_dependents(kube::uid_of(object));
    add_waiting_owners(object);
    return;
  }
  const bool is_new = change.previous == nullptr;
  const auto owners = owners_of(object);
  const bool owners_changed = is_new ? !owners.empty() : owners != owners_of(*change.previous);
  const bool waits = waits_for_dependents(object);
  const bool orphans =
      kube::is_being_deleted(object) && has_finalizer(object, kube::kOrphanFinalizer);
  const bool started = is_new || !kube::is_being_deleted(*change.previous) ||
                       waits != waits_for_dependents(*change.previous) ||
                       orphans != has_finalizer(*change.previous, kube::kOrphanFinalizer);
  if (owners_changed || ((waits || orphans) && started)) {
    add(kind, change.key, !change.initial);
  }
  if (waits && started) {
    add_dependents(kube::uid_of(object));
  }
  if (!is_new && owners_changed) {
    add_waiting_owners(*change.previous);
  }
}

io::Task<Result<kube::Reconciled>> GarbageCollector::reconcile(kube::WorkKey key) {
  const auto kind = std::find_if(kinds_.begin(), kinds_.end(), [&key](const Watched& watched) {
    return watched.kind.resource.to_string() == key.group;
  });
  auto object = co_await transport_.get(kind->kind.resource, key.object);
  if (!object.ok()) {
    CO_TRY_VOID(unless_gone(std::move(object).error()));
    co_return kube::Reconciled{};
  }
  if (!kube::is_being_deleted(*object)) {
    CO_TRY_VOID(co_await collect(*kind, key.object, std::move(*object)));
  } else if (has_finalizer(*object, kube::kOrphanFinalizer)) {
    CO_TRY_VOID(co_await orphan_dependents(*kind, key.object, std::move(*object)));
  } else if (has_finalizer(*object, kube::kForegroundFinalizer)) {
    CO_TRY_VOID(co_await finish_foreground(*kind, key.object, std::move(*object)));
  }
  co_return kube::Reconciled{};
}

io::Task<Result<GarbageCollector::Owners>> GarbageCollector::look_at_owners(
    const Watched& kind, kube::ObjectKey key, const json::value& object) {
  Owners out;
  for (const OwnerReference& reference : owners_of(object)) {
    const Watched* owner_kind = find_kind(reference.api_version, reference.kind);
    if (owner_kind == nullptr) {
      out.solid = true;
      continue;
    }
    if (owner_kind->kind.resource.namespaced && !kind.kind.resource.namespaced) {
      out.misplaced = true;
      continue;
    }
    kube::ObjectKey owner_key{owner_kind->kind.resource.namespaced ? key.namespace_ : "",
                              reference.name};
    const kube::ObjectValue known = owner_kind->informer->find(owner_key);
    if (known != nullptr && kube::uid_of(*known) == reference.uid &&
        !kube::is_being_deleted(*known)) {
      out.solid = true;  // if it goes, this object is looked at again
      continue;
    }
    auto owner = co_await transport_.get(owner_kind->kind.resource, std::move(owner_key));
    if (!owner.ok() && owner.error().kind() != ErrorKind::NotFound) {
      co_return std::move(owner).error();
    }
    if (!owner.ok() || kube::uid_of(*owner) != reference.uid) {
      out.gone.push_back(reference.uid);
    } else if (waits_for_dependents(*owner)) {
      out.going.push_back(reference.uid);
    } else {
      out.solid = true;
    }
  }
  co_return out;
}

// attemptToDeleteItem of Kubernetes' garbage collector.
io::Task<Result<void>> GarbageCollector::collect(const Watched& kind, kube::ObjectKey key,
                                                 json::value object) {
  CO_TRY(Owners owners, co_await look_at_owners(kind, key, object));
  if (owners.misplaced || (owners.gone.empty() && owners.going.empty())) {
    co_return Result<void>();
  }
  if (owners.solid) {
    std::vector<std::string> uids = std::move(owners.gone);
    uids.insert(uids.end(), owners.going.begin(), owners.going.end());
    co_return co_await patch(kind, std::move(key), without_owners(object, uids));
  }
  const auto dependents = dependents_of(kube::uid_of(object));
  if (!owners.going.empty() && !dependents.empty()) {
    // Objects that own each other in a circle would wait for each other.
    const bool circle = std::any_of(dependents.begin(), dependents.end(), [](const Found& found) {
      return waits_for_dependents(*found.object);
    });
    if (circle) {
      CO_TRY_VOID(co_await patch(kind, key, without_blocking(object)));
      CO_TRY(object, co_await transport_.get(kind.kind.resource, key));
    }
    co_return co_await remove(kind, std::move(key), std::move(object),
                              kube::Propagation::Foreground);
  }
  // What the object's own finalizers ask for is kept.
  const kube::Propagation propagation =
      has_finalizer(object, kube::kOrphanFinalizer)       ? kube::Propagation::Orphan
      : has_finalizer(object, kube::kForegroundFinalizer) ? kube::Propagation::Foreground
                                                          : kube::Propagation::Background;
  co_return co_await remove(kind, std::move(key), std::move(object), propagation);
}

io::Task<Result<void>> GarbageCollector::remove(const Watched& kind, kube::ObjectKey key,
                                                json::value object, kube::Propagation propagation) {
  logger_.info("object deleted, its owners are gone",
               {{"resource", kind.kind.resource.to_string()}, {"object", key.to_string()}});
  collected_.add();
  kube::RemoveOptions options;
  options.propagation = propagation;
  options.uid = kube::uid_of(object);
  options.resource_version = kube::resource_version_of(object);  // owners may have been added
  co_return unless_gone(
      co_await transport_.remove(kind.kind.resource, std::move(key), std::move(options)));
}

io::Task<Result<void>> GarbageCollector::patch(const Watched& kind, kube::ObjectKey key,
                                               json::value patch) {
  auto patched =
      co_await transport_.patch(kind.kind.resource, std::move(key), std::move(patch), "");
  co_return unless_gone(patched.ok() ? Result<void>() : std::move(patched).error());
}

io::Task<Result<void>> GarbageCollector::orphan_dependents(const Watched& kind, kube::ObjectKey key,
                                                           json::value object) {
  const std::string uid(kube::uid_of(object));
  for (const Found& found : dependents_of(uid)) {
    const kube::ObjectKey dependent_key = kube::key_of(*found.object);
    auto dependent = co_await transport_.get(found.kind->kind.resource, dependent_key);
    if (!dependent.ok()) {
      CO_TRY_VOID(unless_gone(std::move(dependent).error()));
      continue;
    }
    const auto uids = owner_uids(*dependent);
    if (std::find(uids.begin(), uids.end(), uid) != uids.end()) {
      CO_TRY_VOID(co_await patch(*found.kind, dependent_key, without_owners(*dependent, {uid})));
    }
  }
  co_return co_await patch(kind, std::move(key), without_finalizer(object, kube::kOrphanFinalizer));
}

// processDeletingDependentsItem: each dependent that blocks is looked at, and the last one that
// goes brings this object here again.
io::Task<Result<void>> GarbageCollector::finish_foreground(const Watched& kind, kube::ObjectKey key,
                                                           json::value object) {
  const std::string_view uid = kube::uid_of(object);
  bool blocked = false;
  for (const Found& dependent : dependents_of(uid)) {
    for (const OwnerReference& owner : owners_of(*dependent.object)) {
      if (owner.uid == uid && owner.blocks_deletion) {
        blocked = true;
        if (!waits_for_dependents(*dependent.object)) {
          add(*dependent.kind, kube::key_of(*dependent.object), true);
        }
      }
    }
  }
  if (blocked) {
    co_return Result<void>();
  }
  co_return co_await patch(kind, std::move(key),
                           without_finalizer(object, kube::kForegroundFinalizer));
}

}  // namespace roadstead::controllers
