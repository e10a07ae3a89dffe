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
#include "objects/object_cache.h"
#include "objects/selector.h"

namespace roadstead::objects {

enum class FieldValidation : unsigned char { Ignore, Warn, Strict };

struct WriteOptions {
  bool dry_run = false;
  FieldValidation validation = FieldValidation::Warn;
  std::string subresource;  // "" or "status"
};

struct Written {
  ObjectPtr object;
  bool deleted = false;  // for remove: gone, not merely marked
  std::vector<std::string> warnings;
};

enum class PatchType : unsigned char { Json, Merge };

struct DeleteOptions {
  bool dry_run = false;
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

  io::Task<Result<ObjectPtr>> get(const Kind& kind, kube::ObjectKey key);
  io::Task<Result<Listed>> list(const Kind& kind, ListOptions options);
  io::Task<Result<Written>> create(const RequestContext& context, const Kind& kind,
                                   std::string namespace_, json::value object,
                                   WriteOptions options);
  io::Task<Result<Written>> update(const RequestContext& context, const Kind& kind,
                                   kube::ObjectKey key, json::value object, WriteOptions options);
  io::Task<Result<Written>> patch(const RequestContext& context, const Kind& kind,
                                  kube::ObjectKey key, PatchType type, json::value patch,
                                  WriteOptions options);
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
  Result<void> shape(const Kind& kind, json::value& object, const WriteOptions& options,
                     std::vector<std::string>& warnings);
  Result<void> validate_object(const Kind& kind, const json::value& object);
  io::Task<Result<void>> admit(AdmissionRequest request);
  io::Task<Result<ObjectPtr>> current(const Kind& kind, const kube::ObjectKey& key);
  io::Task<Result<ObjectPtr>> store_new(const Kind& kind, const json::value& object, bool dry_run);
  io::Task<Result<Written>> replace(const RequestContext& context, const Kind& kind,
                                    ObjectPtr before, json::value object,
                                    const WriteOptions& options);
  io::Task<Result<ObjectPtr>> finish_write(const json::value& object, Revision revision);
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

}  // namespace roadstead::objects
