// SPDX-License-Identifier: Apache-2.0
// create, update, patch and delete.
#include <algorithm>

#include "base/rfc3339.h"
#include "kube/names.h"
#include "objects/meta.h"
#include "objects/object_api.h"
#include "objects/patch.h"

namespace roadstead::objects {
namespace {

constexpr int kConflictRetries = 5;
constexpr int kNameRetries = 8;

std::string list_unknown(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) {
    out += (out.empty() ? "unknown field " : ", unknown field ") + kube::quote(path);
  }
  return out;
}

Error to_api_error(const Kind& kind, const kube::ObjectKey& key, Error error) {
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

Error precondition_failed(const Kind& kind, const kube::ObjectKey& key, std::string_view what,
                          std::string_view wanted, std::string_view actual,
                          std::string_view happened) {
  return kube::conflict({kind.group, kind.kind}, key.name,
                        "the " + std::string(what) + " in the precondition (" +
                            std::string(wanted) + ") does not match the " + std::string(what) +
                            " in record (" + std::string(actual) +
                            "). The object might have been " + std::string(happened));
}

// An update that carries the uid of another object of that name.
Error other_object(const Kind& kind, const kube::ObjectKey& key, std::string_view wanted,
                   std::string_view actual) {
  return kube::conflict(kind.resource(), key.name,
                        "StorageError: invalid object, Code: 4, Key: /registry/" + kind.group +
                            "/" + kind.plural + "/" + key.to_string() +
                            ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
                            "precondition: " +
                            std::string(wanted) + ", UID in object meta: " + std::string(actual));
}

// The old object with only its status taken from the new one.
json::value with_status_of(const json::value& old, const json::value& update) {
  json::value out = old;
  if (const json::value* status = update.get_object().if_contains("status")) {
    out.get_object()["status"] = *status;
  } else {
    out.get_object().erase("status");
  }
  return out;
}

void keep_status(const json::value& old, json::object& object) {
  if (const json::value* status = old.get_object().if_contains("status")) {
    object["status"] = *status;
  } else {
    object.erase("status");
  }
}

// Go's print of the finalizers that `update` adds; empty when it adds none.
std::string added_finalizers(const json::value& old, const json::value& update) {
  const json::value* after = codec::find(update, {"metadata", "finalizers"});
  const json::value* before = codec::find(old, {"metadata", "finalizers"});
  if (after == nullptr) {
    return {};
  }
  const json::array known = before == nullptr ? json::array() : before->get_array();
  std::string list;
  for (const json::value& one : after->get_array()) {
    if (std::find(known.begin(), known.end(), one) == known.end()) {
      list += (list.empty() ? "" : ", ") + kube::print_value(one);
    }
  }
  return list;
}

}  // namespace

ObjectApi::ObjectApi(const KindRegistry& kinds, storage::ObjectStore& store, ObjectCache& cache,
                     const Clock& clock, Random& random, ObjectApiOptions options)
    : kinds_(kinds),
      store_(store),
      cache_(cache),
      clock_(clock),
      random_(random),
      options_(options) {}

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

Result<void> ObjectApi::shape(const Kind& kind, json::value& object, const WriteOptions& options,
                              std::vector<std::string>& warnings) {
  if (!object.is_object()) {
    return kube::bad_request("the request's body must be one object");
  }
  TRY(std::vector<std::string> unknown, coerce_metadata(kind, object.get_object()));
  for (std::string& path : prune(*kind.schema, object)) {
    unknown.push_back(std::move(path));
  }
  std::sort(unknown.begin(), unknown.end());
  if (!unknown.empty() && options.validation == FieldValidation::Strict) {
    return kube::bad_request(kind.kind + " in version " + kube::quote(kind.version) +
                             " cannot be handled as a " + kind.kind +
                             ": strict decoding error: " + list_unknown(unknown));
  }
  if (options.validation == FieldValidation::Warn) {
    for (const std::string& path : unknown) {
      warnings.push_back("unknown field " + kube::quote(path));
    }
  }
  apply_defaults(*kind.schema, object);
  return {};
}

Result<void> ObjectApi::validate_object(const Kind& kind, const json::value& object) {
  kube::FieldErrors errors;
  validate_metadata(kind, object, errors);
  validate(*kind.schema, object, "", errors);
  std::sort(errors.begin(), errors.end(),
            [](const auto& a, const auto& b) { return a.to_string() < b.to_string(); });
  if (!errors.empty()) {
    return kube::invalid(kind.group, kind.kind, kube::name_of(object), errors);
  }
  return {};
}

io::Task<Result<void>> ObjectApi::admit(AdmissionRequest request) {
  for (const Rule& rule : rules_) {
    if (rule.plural == request.kind.plural) {
      CO_TRY_VOID(co_await rule.rule->review(request));
    }
  }
  co_return Result<void>();
}

io::Task<Result<ObjectPtr>> ObjectApi::finish_write(const json::value& object, Revision revision) {
  CO_TRY_VOID(co_await cache_.wait_for(revision));
  json::value copy = object;
  sort_names(copy);
  co_return make_object(std::move(copy), revision);
}

io::Task<Result<Written>> ObjectApi::create(const RequestContext& context, const Kind& kind,
                                            std::string namespace_, json::value object,
                                            WriteOptions options) {
  Written written;
  CO_TRY_VOID(shape(kind, object, options, written.warnings));
  json::object& root = object.get_object();
  json::object& metadata = kube::metadata_of(root);
  if (kind.namespaced) {
    const std::string_view named = kube::namespace_of(object);
    if (!named.empty() && named != namespace_) {
      co_return kube::bad_request(
          "the namespace of the provided object does not match the "
          "namespace sent on the request");
    }
    metadata["namespace"] = namespace_;
  }
  if (!kube::resource_version_of(object).empty()) {
    kube::Status status;  // the API server's own wording and code
    status.message = "resourceVersion should not be set on objects to be created";
    co_return kube::make_error(ErrorKind::InvalidArgument, std::move(status));
  }
  if (kind.has_status) {
    root.erase("status");
  }
  begin_life(root, random_, clock_.wall());
  const std::string prefix(codec::string_at(object, {"metadata", "generateName"}));
  const bool generated = kube::name_of(object).empty() && !prefix.empty();
  for (int attempt = 1;; ++attempt) {
    if (generated) {
      kube::metadata_of(root)["name"] = generate_name(random_, prefix);
    }
    CO_TRY_VOID(validate_object(kind, object));
    CO_TRY_VOID(
        co_await admit({context, Operation::Create, kind, "", nullptr, &object, options.dry_run}));
    auto stored = co_await store_new(kind, object, options.dry_run);
    if (stored.ok()) {
      written.object = std::move(*stored);
      co_return written;
    }
    const bool taken = stored.error().kind() == ErrorKind::AlreadyExists;
    if (!generated || !taken || attempt == kNameRetries) {
      co_return std::move(stored).error();
    }
  }
}

io::Task<Result<ObjectPtr>> ObjectApi::store_new(const Kind& kind, const json::value& object,
                                                 bool dry_run) {
  const kube::ObjectKey key = kube::key_of(object);
  if (cache_.of(kind).objects().size() >= options_.max_objects) {
    co_return Error(ErrorKind::TooManyRequests,
                    "the hub holds " + std::to_string(options_.max_objects) + " " + kind.plural +
                        ", which is its limit. Delete some first");
  }
  if (dry_run) {
    CO_TRY_VOID(co_await cache_.catch_up());
    if (cache_.of(kind).find(key) != nullptr) {
      co_return kube::already_exists(kind.resource(), key.name);
    }
    json::value copy = object;
    sort_names(copy);
    co_return make_object(std::move(copy), 0);
  }
  auto revision = co_await store_.create(cache_.home(), store_key(kind, key), stored_form(object));
  if (!revision.ok()) {
    co_return to_api_error(kind, key, std::move(revision).error());
  }
  co_return co_await finish_write(object, *revision);
}

io::Task<Result<Written>> ObjectApi::update(const RequestContext& context, const Kind& kind,
                                            kube::ObjectKey key, json::value object,
                                            WriteOptions options) {
  std::vector<std::string> warnings;
  CO_TRY_VOID(shape(kind, object, options, warnings));
  json::object& metadata = kube::metadata_of(object.get_object());
  const std::string_view named = kube::name_of(object);
  if (named.empty()) {
    metadata["name"] = key.name;
  } else if (named != key.name) {
    co_return kube::bad_request("the name of the object (" + std::string(named) +
                                ") does not match the name on the URL (" + key.name + ")");
  }
  if (kind.namespaced) {
    metadata["namespace"] = key.namespace_;
  }
  CO_TRY(ObjectPtr before, co_await current(kind, key));
  const std::string uid(kube::uid_of(object));
  const json::value old = before->parse();
  if (!uid.empty() && uid != kube::uid_of(old)) {
    co_return other_object(kind, key, uid, kube::uid_of(old));
  }
  const std::string version(kube::resource_version_of(object));
  if (version.empty() || version == "0") {
    co_return kube::invalid(kind.group, kind.plural, key.name,
                            {kube::invalid("metadata.resourceVersion", json::value(0),
                                           "must be specified for an update")});
  }
  if (version != std::to_string(before->revision)) {
    co_return kube::object_modified(kind.resource(), key.name);
  }
  auto written = co_await replace(context, kind, std::move(before), std::move(object), options);
  if (written.ok()) {
    written->warnings = std::move(warnings);
  }
  co_return written;
}

// `object` is in shape and meant to replace `before`, compared and swapped.
io::Task<Result<Written>> ObjectApi::replace(const RequestContext& context, const Kind& kind,
                                             ObjectPtr before, json::value object,
                                             const WriteOptions& options) {
  const json::value old = before->parse();
  if (options.subresource == "status") {
    object = with_status_of(old, object);
  } else {
    if (kind.has_status) {
      keep_status(old, object.get_object());
    }
    keep_identity(old, object.get_object());
    if (spec_differs(kind, old, object)) {
      kube::metadata_of(object.get_object())["generation"] = kube::generation_of(old) + 1;
    }
    const std::string added = is_being_deleted(old) ? added_finalizers(old, object) : "";
    if (!added.empty()) {
      const kube::FieldError error = kube::forbidden(
          "metadata.finalizers",
          "no new finalizers can be added if the object is being deleted, found new finalizers "
          "[]string{" +
              added + "}");
      co_return kube::invalid(kind.group, kind.kind, before->key.name, {error, error});
    }
  }
  CO_TRY_VOID(validate_object(kind, object));
  CO_TRY_VOID(co_await admit(
      {context, Operation::Update, kind, options.subresource, &old, &object, options.dry_run}));
  kube::metadata_of(object.get_object())["resourceVersion"] = std::to_string(before->revision);
  if (object == old) {
    co_return Written{before, false, {}};  // nothing changed: no new version
  }
  if (options.dry_run) {
    sort_names(object);
    co_return Written{make_object(std::move(object), before->revision), false, {}};
  }
  if (is_being_deleted(object) && !has_finalizers(object)) {
    co_return co_await erase(kind, before, object);
  }
  auto revision = co_await store_.update(cache_.home(), store_key(kind, before->key),
                                         before->revision, stored_form(object));
  if (!revision.ok()) {
    co_return to_api_error(kind, before->key, std::move(revision).error());
  }
  CO_TRY(ObjectPtr stored, co_await finish_write(object, *revision));
  co_return Written{std::move(stored), false, {}};
}

io::Task<Result<Written>> ObjectApi::patch(const RequestContext& context, const Kind& kind,
                                           kube::ObjectKey key, PatchType type, json::value patch,
                                           WriteOptions options) {
  for (int attempt = 0;; ++attempt) {
    CO_TRY(ObjectPtr before, co_await current(kind, key));
    json::value object = before->parse();
    if (type == PatchType::Json) {
      CO_TRY(object, apply_json_patch(std::move(object), patch));
    } else {
      if (!patch.is_object()) {
        co_return kube::bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}");
      }
      apply_merge_patch(object, patch);
    }
    Written shaped;
    CO_TRY_VOID(shape(kind, object, options, shaped.warnings));
    if (kube::name_of(object) != key.name) {
      co_return kube::bad_request("the name of the object (" + std::string(kube::name_of(object)) +
                                  ") does not match the name on the URL (" + key.name + ")");
    }
    const std::string_view uid = kube::uid_of(object);
    if (uid != kube::uid_of(before->parse()) && !uid.empty()) {
      co_return other_object(kind, key, uid, kube::uid_of(before->parse()));
    }
    const std::string_view version = kube::resource_version_of(object);
    const bool pinned = !version.empty() && version != std::to_string(before->revision);
    if (pinned) {
      co_return kube::object_modified(kind.resource(), key.name);
    }
    auto written = co_await replace(context, kind, std::move(before), std::move(object), options);
    if (written.ok()) {
      written->warnings = std::move(shaped.warnings);
      co_return written;
    }
    // Somebody else was faster: the patch is meant for the object, not for a version of it.
    const bool again = written.error().kind() == ErrorKind::Conflict && attempt < kConflictRetries;
    if (!again) {
      co_return written;
    }
  }
}

io::Task<Result<Written>> ObjectApi::erase(const Kind& kind, const ObjectPtr& before,
                                           const json::value& last) {
  auto revision = co_await store_.remove(cache_.home(), store_key(kind, before->key),
                                         before->revision, stored_form(last));
  if (!revision.ok()) {
    co_return to_api_error(kind, before->key, std::move(revision).error());
  }
  CO_TRY_VOID(co_await cache_.wait_for(*revision));
  co_return Written{make_object(last, before->revision), true, {}};
}

io::Task<Result<Written>> ObjectApi::remove(const RequestContext& context, const Kind& kind,
                                            kube::ObjectKey key, DeleteOptions options) {
  for (int attempt = 0;; ++attempt) {
    CO_TRY(ObjectPtr before, co_await current(kind, key));
    json::value old = before->parse();
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
    if (options.dry_run) {
      co_return Written{before, !has_finalizers(old), {}};
    }
    if (has_finalizers(old) && is_being_deleted(old)) {
      co_return Written{before, false, {}};
    }
    Result<Written> written = Written{};
    if (has_finalizers(old)) {
      json::object& metadata = kube::metadata_of(old.get_object());
      metadata["deletionTimestamp"] = format_rfc3339(clock_.wall());
      metadata["deletionGracePeriodSeconds"] = 0;
      metadata["generation"] = kube::generation_of(old) + 1;
      auto revision = co_await store_.update(cache_.home(), store_key(kind, key), before->revision,
                                             stored_form(old));
      if (revision.ok()) {
        CO_TRY(ObjectPtr marked, co_await finish_write(old, *revision));
        written = Written{std::move(marked), false, {}};
      } else {
        written = to_api_error(kind, key, std::move(revision).error());
      }
    } else {
      written = co_await erase(kind, before, old);
    }
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
  for (ObjectPtr& object : selected.objects) {
    const kube::ObjectKey key = object->key;
    auto removed = co_await remove(context, kind, key, options);
    if (!removed.ok() && removed.error().kind() != ErrorKind::NotFound) {
      co_return std::move(removed).error();
    }
    if (removed.ok()) {
      object = std::move(removed->object);
    }
  }
  co_return selected;
}

}  // namespace roadstead::objects
