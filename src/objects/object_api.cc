// SPDX-License-Identifier: Apache-2.0
#include "objects/object_api.h"

namespace roadstead::objects {

ObjectApi::ObjectApi(const KindRegistry& kinds, storage::ObjectStore& store, ObjectCache& cache,
                     const Clock& clock, Random& random, ObjectApiOptions options)
    : kinds_(kinds),
      store_(store),
      cache_(cache),
      clock_(clock),
      random_(random),
      options_(options) {}

Error store_error(const Kind& kind, const kube::ObjectKey& key, Error error) {
  switch (error.kind()) {
    case ErrorKind::NotFound:
      return kube::not_found(kind.resource(), key.name);
    case ErrorKind::AlreadyExists:
      return kube::already_exists(kind.resource(), key.name);
    case ErrorKind::Conflict:
      return kube::object_modified(kind.resource(), key.name);
    default:
      return error;
  }
}

FieldWriter ObjectApi::writer_of(const WriteOptions& options) const {
  return {options.field_manager, options.subresource, clock_.wall()};
}

void ObjectApi::add_admission(std::string_view plural, std::unique_ptr<AdmissionRule> rule) {
  rules_.push_back({std::string(plural), std::move(rule)});
}

void ObjectApi::add_subresource(std::string_view plural, std::string name,
                                std::unique_ptr<Subresource> subresource) {
  subresources_.push_back({std::string(plural), std::move(name), std::move(subresource)});
}

Subresource* ObjectApi::find_subresource(const Kind& kind, std::string_view name) const {
  for (const SubresourceEntry& entry : subresources_) {
    if (entry.plural == kind.plural && entry.name == name) {
      return entry.subresource.get();
    }
  }
  return nullptr;
}

io::Task<Result<void>> ObjectApi::admit(AdmissionRequest request) {
  for (const Rule& rule : rules_) {
    if (rule.plural == request.kind.plural) {
      CO_TRY_VOID(co_await rule.rule->review(request));
    }
  }
  co_return Result<void>();
}

io::Task<Result<Written>> ObjectApi::store_changed(const Kind& kind, const ObjectPtr& before,
                                                   json::value object, bool dry_run) {
  if (dry_run) {
    sort_names(object);
    co_return Written{make_object(std::move(object), before->revision), false, {}};
  }
  auto revision = co_await store_.update(cache_.home(), store_key(kind, before->key),
                                         before->revision, stored_form(object));
  if (!revision.ok()) {
    co_return store_error(kind, before->key, std::move(revision).error());
  }
  CO_TRY(ObjectPtr stored, co_await finish_write(kind, object, *revision));
  co_return Written{std::move(stored), false, {}};
}

io::Task<Result<ObjectPtr>> ObjectApi::finish_write(const Kind& kind, const json::value& object,
                                                    Revision revision) {
  CO_TRY_VOID(co_await cache_.wait_for(revision));
  ObjectPtr stored = cache_.of(kind).find(kube::key_of(object));
  if (stored != nullptr && stored->revision == revision) {
    co_return stored;
  }
  // Somebody has changed it since.
  json::value copy = object;
  sort_names(copy);
  co_return make_object(std::move(copy), revision);
}

}  // namespace roadstead::objects
