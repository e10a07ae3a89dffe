// SPDX-License-Identifier: Apache-2.0
// The verbs of the object API, without HTTP: what kubectl-shaped clients, the hub's controllers and
// its domain code all go through. Answers and errors are those of a Kubernetes API server that has
// the same CRDs.
//
// Lives on one executor (its home); every function is called there.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "objects/context.h"
#include "objects/field_manager.h"
#include "objects/object_cache.h"
#include "objects/selector.h"

namespace roadstead::objects {

enum class FieldValidation : unsigned char { Ignore, Warn, Strict };

struct WriteOptions {
  bool dry_run = false;
  FieldValidation validation = FieldValidation::Warn;
  std::string subresource;    // "", "status", "scale" or "finalize"
  std::string field_manager;  // who owns what is written; "" is "unknown"
  bool force = false;         // apply: take fields from their owners
  bool applies = false;       // server-side apply
  // Warnings about the request, told even when the write fails; may be nullptr.
  std::vector<std::string>* told = nullptr;
};

struct Written {
  ObjectPtr object;
  bool deleted = false;  // for remove: gone, not merely marked
  std::vector<std::string> warnings = {};
  bool created = false;  // for apply
};

enum class PatchType : unsigned char { Json, Merge, Strategic };

// What becomes of the objects that an object owns.
enum class Propagation : unsigned char { Default, Background, Foreground, Orphan };

struct DeleteOptions {
  bool dry_run = false;
  Propagation propagation = Propagation::Default;
  std::string uid;               // precondition, "" for none
  std::string resource_version;  // precondition, "" for none
};

struct ListOptions {
  std::string namespace_;
  std::string label_selector;
  std::string field_selector;
  std::size_t limit = 0;
  std::string continue_token;
  std::string resource_version;
  std::string resource_version_match;
  bool send_initial_events = false;  // only for a watch
};

struct Listed {
  std::vector<ObjectPtr> objects;
  Revision revision = 0;
  std::string continue_token;
  std::optional<std::int64_t> remaining;
};

struct ObjectApiOptions {
  // At most so many objects of a kind; a guard against runaway clients.
  std::size_t max_objects = 200'000;
};

class ObjectApi {
 public:
  ObjectApi(const KindRegistry& kinds, storage::ObjectStore& store, ObjectCache& cache,
            const Clock& clock, Random& random, ObjectApiOptions options = {});

  // Plugs; set before the first request.
  void add_admission(std::string_view plural, std::unique_ptr<AdmissionRule> rule);
  void add_subresource(std::string_view plural, std::string name,
                       std::unique_ptr<Subresource> subresource);
  Subresource* find_subresource(const Kind& kind, std::string_view name) const;
  struct SubresourceEntry {
    std::string plural;
    std::string name;
    std::unique_ptr<Subresource> subresource;
  };
  const std::vector<SubresourceEntry>& subresources() const { return subresources_; }

  // `resource_version`: fails when the server has not come that far.
  io::Task<Result<ObjectPtr>> get(const Kind& kind, kube::ObjectKey key,
                                  std::string resource_version = {});
  io::Task<Result<Listed>> list(const Kind& kind, ListOptions options);
  io::Task<Result<Written>> create(const RequestContext& context, const Kind& kind,
                                   std::string namespace_, json::value object,
                                   WriteOptions options);
  io::Task<Result<Written>> update(const RequestContext& context, const Kind& kind,
                                   kube::ObjectKey key, json::value object, WriteOptions options);
  io::Task<Result<Written>> patch(const RequestContext& context, const Kind& kind,
                                  kube::ObjectKey key, PatchType type, json::value patch,
                                  WriteOptions options);
  // Server-side apply; creates the object when it is not there.
  io::Task<Result<Written>> apply(const RequestContext& context, const Kind& kind,
                                  kube::ObjectKey key, json::value config, WriteOptions options);
  // A Scale (autoscaling/v1). A change is a whole Scale or, with `patch`, a patch of one.
  io::Task<Result<json::value>> get_scale(const Kind& kind, kube::ObjectKey key);
  io::Task<Result<json::value>> change_scale(const RequestContext& context, const Kind& kind,
                                             kube::ObjectKey key, std::optional<PatchType> patch,
                                             json::value body, WriteOptions options);
  io::Task<Result<Written>> remove(const RequestContext& context, const Kind& kind,
                                   kube::ObjectKey key, DeleteOptions options);
  // What was deleted, in order.
  io::Task<Result<Listed>> remove_collection(const RequestContext& context, const Kind& kind,
                                             ListOptions selection, DeleteOptions options);

  const KindRegistry& kinds() const { return kinds_; }
  ObjectCache& cache() { return cache_; }
  const Clock& clock() const { return clock_; }
  Revision revision() const { return cache_.revision(); }

 private:
  // Brings a request's object into the kind's shape; unknown fields become errors or warnings.
  // `patch`: what made the object, when it was one.
  Result<void> shape(const Kind& kind, json::value& object, const WriteOptions& options,
                     std::vector<std::string>& warnings, const json::value* patch = nullptr);
  // `errors`: what is known to be wrong already.
  Result<void> validate_object(const Kind& kind, const json::value& object,
                               const json::value* old = nullptr, std::string_view subresource = {},
                               kube::FieldErrors errors = {});
  io::Task<Result<void>> admit(AdmissionRequest request);
  // Objects are only made in a namespace that is there and stays.
  io::Task<Result<void>> check_namespace(const Kind& kind, std::string_view namespace_,
                                         const json::value& object);
  io::Task<Result<ObjectPtr>> current(const Kind& kind, const kube::ObjectKey& key);
  // The part of a create that comes after the request's object has its shape and its owners.
  io::Task<Result<Written>> create_shaped(const RequestContext& context, const Kind& kind,
                                          std::string namespace_, json::value object,
                                          WriteOptions options);
  FieldWriter writer_of(const WriteOptions& options) const;
  io::Task<Result<ObjectPtr>> store_new(const Kind& kind, const json::value& object, bool dry_run);
  io::Task<Result<Written>> replace(const RequestContext& context, const Kind& kind,
                                    ObjectPtr before, const json::value& old, json::value object,
                                    const WriteOptions& options);
  io::Task<Result<ObjectPtr>> finish_write(const Kind& kind, const json::value& object,
                                           Revision revision);
  io::Task<Result<Written>> remove_once(const Kind& kind, const ObjectPtr& before,
                                        const DeleteOptions& options);
  // The same for a namespace, which first becomes Terminating.
  io::Task<Result<Written>> remove_namespace_once(const Kind& kind, const ObjectPtr& before,
                                                  const DeleteOptions& options);
  io::Task<Result<Written>> store_changed(const Kind& kind, const ObjectPtr& before,
                                          json::value object, bool dry_run);
  io::Task<Result<Written>> erase(const Kind& kind, const ObjectPtr& before,
                                  const json::value& last);
  io::Task<Result<Listed>> list_snapshot(const Kind& kind, const ListOptions& options,
                                         const Selectors& selectors, Revision at,
                                         std::string after);
  Result<Listed> list_now(const Kind& kind, const ListOptions& options, const Selectors& selectors);
  storage::Key store_key(const Kind& kind, const kube::ObjectKey& key) const {
    return {kind.storage_name(), key.namespace_, key.name};
  }

  struct Rule {
    std::string plural;
    std::unique_ptr<AdmissionRule> rule;
  };

  const KindRegistry& kinds_;
  storage::ObjectStore& store_;
  ObjectCache& cache_;
  const Clock& clock_;
  Random& random_;
  ObjectApiOptions options_;
  std::vector<Rule> rules_;
  std::vector<SubresourceEntry> subresources_;
};

// An error of the store as the API server words it.
Error store_error(const Kind& kind, const kube::ObjectKey& key, Error error);

}  // namespace roadstead::objects
