// SPDX-License-Identifier: Apache-2.0
// delete and deletecollection.
#include <algorithm>

#include "base/rfc3339.h"
#include "objects/meta.h"
#include "objects/namespaces.h"
#include "objects/object_api.h"

namespace roadstead::objects {
namespace {

constexpr int kConflictRetries = 5;

Error precondition_failed(const Kind& kind, const kube::ObjectKey& key, std::string_view what,
                          std::string_view wanted, std::string_view actual,
                          std::string_view happened) {
  if (kind.native) {
    return kube::conflict(kind.resource(), key.name,
                          "Precondition failed: " + std::string(what) +
                              " in precondition: " + std::string(wanted) + ", " +
                              std::string(what) + " in object meta: " + std::string(actual));
  }
  return kube::conflict({kind.group, kind.kind}, key.name,
                        "the " + std::string(what) + " in the precondition (" +
                            std::string(wanted) + ") does not match the " + std::string(what) +
                            " in record (" + std::string(actual) +
                            "). The object might have been " + std::string(happened));
}

bool holds(const json::value& object, std::string_view finalizer) {
  const json::value* list = codec::find(object, {"metadata", "finalizers"});
  return list != nullptr && list->is_array() &&
         std::find(list->get_array().begin(), list->get_array().end(), json::value(finalizer)) !=
             list->get_array().end();
}

// The finalizers that a delete leaves: those of garbage collection follow from what is asked for,
// or stay as they are.
json::array finalizers_after(const json::value& object, Propagation propagation) {
  bool orphan = propagation == Propagation::Orphan;
  bool foreground = propagation == Propagation::Foreground;
  if (propagation == Propagation::Default) {
    orphan = holds(object, kube::kOrphanFinalizer);
    foreground = !orphan && holds(object, kube::kForegroundFinalizer);
  }
  json::array out;
  if (const json::value* list = codec::find(object, {"metadata", "finalizers"});
      list != nullptr && list->is_array()) {
    for (const json::value& one : list->get_array()) {
      if (one != json::value(kube::kOrphanFinalizer) &&
          one != json::value(kube::kForegroundFinalizer)) {
        out.push_back(one);
      }
    }
  }
  if (orphan) {
    out.push_back(json::value(kube::kOrphanFinalizer));
  }
  if (foreground) {
    out.push_back(json::value(kube::kForegroundFinalizer));
  }
  return out;
}

// Marked for deletion, held by `finalizers`.
void mark(json::value& object, json::array finalizers, WallTime now) {
  json::object& metadata = kube::metadata_of(object.get_object());
  if (!metadata.contains("deletionTimestamp")) {
    metadata["deletionTimestamp"] = format_rfc3339(now);
    metadata["generation"] = kube::generation_of(object) + 1;
  }
  metadata["deletionGracePeriodSeconds"] = 0;
  metadata["finalizers"] = std::move(finalizers);
}

}  // namespace

io::Task<Result<Written>> ObjectApi::erase(const Kind& kind, const ObjectPtr& before,
                                           const json::value& last) {
  auto revision = co_await store_.remove(cache_.home(), store_key(kind, before->key),
                                         before->revision, "");  // watches see what was stored
  if (!revision.ok()) {
    co_return store_error(kind, before->key, std::move(revision).error());
  }
  CO_TRY_VOID(co_await cache_.wait_for(*revision));
  co_return Written{make_object(last, before->revision), true, {}};
}

io::Task<Result<Written>> ObjectApi::remove_once(const Kind& kind, const ObjectPtr& before,
                                                 const DeleteOptions& options) {
  const json::value old = before->parse();
  json::value object = old;
  json::array finalizers = finalizers_after(old, options.propagation);
  if (finalizers.empty()) {
    if (options.dry_run) {
      co_return Written{before, true, {}};
    }
    CO_TRY(Written gone, co_await erase(kind, before, old));
    if (kind.native) {
      gone.object = make_object(old, revision());  // what is shown has the version of the deletion
    }
    co_return gone;
  }
  mark(object, std::move(finalizers), clock_.wall());
  if (object == old) {
    co_return Written{before, false, {}};
  }
  co_return co_await store_changed(kind, before, std::move(object), options.dry_run);
}

io::Task<Result<Written>> ObjectApi::remove_namespace_once(const Kind& kind,
                                                           const ObjectPtr& before,
                                                           const DeleteOptions& options) {
  const json::value old = before->parse();
  if (kube::is_being_deleted(old)) {
    if (!is_finalized(old)) {
      co_return Written{before, false, {}};
    }
    co_return co_await remove_once(kind, before, options);
  }
  json::value object = old;
  begin_termination(object, format_rfc3339(clock_.wall()));
  json::array finalizers = finalizers_after(old, options.propagation);
  if (finalizers.empty()) {
    kube::metadata_of(object.get_object()).erase("finalizers");
  } else {
    kube::metadata_of(object.get_object())["finalizers"] = std::move(finalizers);
  }
  co_return co_await store_changed(kind, before, std::move(object), options.dry_run);
}

io::Task<Result<Written>> ObjectApi::remove(const RequestContext& context, const Kind& kind,
                                            kube::ObjectKey key, DeleteOptions options) {
  for (int attempt = 0;; ++attempt) {
    if (kind.native && key.name == kDefaultNamespace) {
      co_return kube::forbidden(kind.resource(), key.name, "this namespace may not be deleted");
    }
    CO_TRY(ObjectPtr before, co_await current(kind, key));
    const json::value old = before->parse();
    if (!options.uid.empty() && options.uid != kube::uid_of(old)) {
      co_return precondition_failed(kind, key, "UID", options.uid, kube::uid_of(old),
                                    "deleted and then recreated");
    }
    const std::string version = std::to_string(before->revision);
    if (!options.resource_version.empty() && options.resource_version != version) {
      co_return precondition_failed(kind, key, "ResourceVersion", options.resource_version, version,
                                    "modified");
    }
    CO_TRY_VOID(
        co_await admit({context, Operation::Delete, kind, "", &old, nullptr, options.dry_run}));
    auto removal = kind.native ? remove_namespace_once(kind, before, options)
                               : remove_once(kind, before, options);
    auto written = co_await std::move(removal);
    const bool again = !written.ok() && written.error().kind() == ErrorKind::Conflict &&
                       attempt < kConflictRetries;
    if (!again) {
      co_return written;
    }
  }
}

io::Task<Result<Listed>> ObjectApi::remove_collection(const RequestContext& context,
                                                      const Kind& kind, ListOptions selection,
                                                      DeleteOptions options) {
  CO_TRY(Listed selected, co_await list(kind, std::move(selection)));
  for (const ObjectPtr& object : selected.objects) {
    auto removed = co_await remove(context, kind, object->key, options);
    if (!removed.ok() && removed.error().kind() != ErrorKind::NotFound) {
      co_return std::move(removed).error();
    }
  }
  co_return selected;  // as they were
}

}  // namespace roadstead::objects
