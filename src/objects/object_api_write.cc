// SPDX-License-Identifier: Apache-2.0
// create, update, patch and delete.
#include <algorithm>
#include <set>

#include "base/rfc3339.h"
#include "kube/names.h"
#include "objects/field_set.h"
#include "objects/meta.h"
#include "objects/object_api.h"
#include "objects/patch.h"
#include "objects/scale.h"

namespace roadstead::objects {
namespace {

constexpr int kConflictRetries = 5;
constexpr int kNameRetries = 8;

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

// Members of a JSON patch's operations that mean nothing.
std::vector<std::string> unknown_members(const json::value& patch) {
  std::vector<std::string> out;
  const json::array* operations = patch.if_array();
  for (std::size_t i = 0; operations != nullptr && i < operations->size(); ++i) {
    const json::object* operation = (*operations)[i].if_object();
    if (operation == nullptr) {
      continue;
    }
    for (const auto& [name, value] : *operation) {
      const std::string_view key = name;
      if (key != "op" && key != "path" && key != "from" && key != "value") {
        out.push_back("json patch unknown field " +
                      kube::quote("[" + std::to_string(i) + "]." + std::string(key)));
      }
    }
  }
  return out;
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

// The old object with only its status, and who owns what, taken from the new one.
json::value with_status_of(const json::value& old, const json::value& update) {
  json::value out = old;
  json::object& metadata = kube::metadata_of(out.get_object());
  if (const json::value* managed = codec::find(update, {"metadata", "managedFields"})) {
    metadata["managedFields"] = *managed;
  } else {
    metadata.erase("managedFields");
  }
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

Error without_version(const Kind& kind, const kube::ObjectKey& key) {
  return kube::invalid(kind.group, kind.plural, key.name,
                       {kube::invalid("metadata.resourceVersion", json::value(0),
                                      "must be specified for an update")});
}

Error nameless(const kube::ObjectKey& key) {
  return kube::bad_request("the name of the object (" + key.name +
                           " based on URL) was undeterminable: name must be provided");
}

Result<void> check_namespace(const kube::ObjectKey& key, const json::value& object) {
  const std::string_view named = kube::namespace_of(object);
  if (named.empty() || named == key.namespace_) {
    return {};
  }
  return kube::bad_request(
      "the namespace of the provided object does not match the namespace sent on the request");
}

Result<void> check_version(std::string_view version) {
  if (version.empty() || parse_revision(version).ok()) {
    return {};
  }
  return kube::server_error("strconv.ParseUint: parsing " + kube::quote(version) +
                            ": invalid syntax");
}

void prepend(const std::vector<std::string>& first, std::vector<std::string>& warnings) {
  warnings.insert(warnings.begin(), first.begin(), first.end());
}

// What an update may not set when it was not set before; what was set is carried over.
kube::FieldErrors fixed_fields(const json::value& old, const json::value& object) {
  kube::FieldErrors errors;
  for (const char* name : {"uid", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const json::value* before = codec::find(old, {"metadata", name});
    const json::value* after = codec::find(object, {"metadata", name});
    const bool is_uid = std::string_view(name) == "uid";
    const bool set = after != nullptr && (is_uid ? *after != *before : before == nullptr);
    if (set) {
      const auto error =
          kube::invalid("metadata." + std::string(name), *after, "field is immutable");
      errors.insert(errors.end(), 2, error);
    }
  }
  return errors;
}

// Go's print of the finalizers that `update` adds; empty when it adds none.
std::string added_finalizers(const json::value& old, const json::value& update) {
  const json::value* after = codec::find(update, {"metadata", "finalizers"});
  const json::value* before = codec::find(old, {"metadata", "finalizers"});
  if (after == nullptr) {
    return {};
  }
  const json::array known = before == nullptr ? json::array() : before->get_array();
  std::set<std::string> added;
  for (const json::value& one : after->get_array()) {
    if (std::find(known.begin(), known.end(), one) == known.end()) {
      added.insert(kube::print_value(one));
    }
  }
  std::string list;
  for (const std::string& one : added) {
    list += (list.empty() ? "" : ", ") + one;
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

Result<void> ObjectApi::shape(const Kind& kind, json::value& object, const WriteOptions& options,
                              std::vector<std::string>& warnings, const json::value* patch) {
  const auto refuse = [&](const std::string& why) {
    if (patch != nullptr) {
      return kube::invalid("", "", "",
                           {kube::invalid("patch", json::value(codec::write_json(object)), why)});
    }
    return kube::bad_request(kind.kind + " in version " + kube::quote(kind.version) +
                             " cannot be handled as a " + kind.kind + ": " + why);
  };
  if (patch != nullptr && !object.is_object()) {
    return refuse("the patched object is no object");
  }
  if (patch == nullptr) {
    TRY_VOID(check_body(kind, object));
  } else if (codec::string_at(object, {"kind"}).empty()) {
    return refuse("Object 'Kind' is missing in '" + codec::write_json(object) + "'");
  }
  auto coerced = coerce_metadata(kind, object.get_object());
  if (!coerced.ok()) {
    return refuse(coerced.error().message());
  }
  std::vector<std::string> unknown = std::move(*coerced);
  for (std::string& path : prune(*kind.schema, object)) {
    unknown.push_back(std::move(path));
  }
  std::sort(unknown.begin(), unknown.end());
  std::vector<std::string> faults;
  if (patch != nullptr) {
    faults = unknown_members(*patch);
  }
  for (const std::string& path : unknown) {
    faults.push_back("unknown field " + kube::quote(path));
  }
  if (!faults.empty() && options.validation == FieldValidation::Strict) {
    return refuse("strict decoding error: " + joined(faults));
  }
  if (options.validation == FieldValidation::Warn) {
    warnings.insert(warnings.end(), faults.begin(), faults.end());
  }
  apply_defaults(*kind.schema, object);
  for (std::string& warning : drop_repeated_owners(object.get_object())) {
    warnings.push_back(std::move(warning));
  }
  return {};
}

Result<void> ObjectApi::validate_object(const Kind& kind, const json::value& object,
                                        const json::value* old, bool only_status,
                                        kube::FieldErrors errors) {
  TRY_VOID(check_kind_name(kind, object));
  validate_metadata(kind, object, errors);
  if (!only_status) {
    validate(*kind.schema, object, "", errors);
  } else if (const json::value* status = object.get_object().if_contains("status")) {
    if (const Schema* schema = kind.schema->property("status")) {
      validate(*schema, *status, "status", errors);
    }
  }
  validate_scale(kind, object, only_status, errors);
  if (old != nullptr) {
    validate_changed_metadata(object, errors);
    validate_changed_metadata(object, errors);
  }
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
  std::vector<std::string> warnings;
  CO_TRY_VOID(shape(kind, object, options, warnings));
  wipe_server_fields(object.get_object());
  track_update(kind, nullptr, object, writer_of(options));
  auto written = co_await create_shaped(context, kind, std::move(namespace_), std::move(object),
                                        std::move(options));
  if (written.ok()) {
    prepend(warnings, written->warnings);
  }
  co_return written;
}

io::Task<Result<Written>> ObjectApi::create_shaped(const RequestContext& context, const Kind& kind,
                                                   std::string namespace_, json::value object,
                                                   WriteOptions options) {
  Written written;
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
  const std::string_view version = kube::resource_version_of(object);
  if (!options.applies && !version.empty() && version != "0") {
    co_return kube::server_error("resourceVersion should not be set on objects to be created");
  }
  if (kind.has_status) {
    root.erase("status");
  }
  begin_life(root, random_, clock_.wall());
  written.warnings = finalizer_warnings(nullptr, object);
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
    if (const ObjectPtr other = cache_.of(kind).find(key)) {
      co_return is_being_deleted(other->parse()) ? kube::being_deleted(kind.resource(), key.name)
                                                 : kube::already_exists(kind.resource(), key.name);
    }
    json::value copy = object;
    sort_names(copy);
    co_return make_object(std::move(copy), 0);
  }
  auto revision = co_await store_.create(cache_.home(), store_key(kind, key), stored_form(object));
  if (!revision.ok()) {
    const bool taken = revision.error().kind() == ErrorKind::AlreadyExists;
    const ObjectPtr other = taken ? cache_.of(kind).find(key) : nullptr;
    if (other != nullptr && is_being_deleted(other->parse())) {
      co_return kube::being_deleted(kind.resource(), key.name);
    }
    co_return store_error(kind, key, std::move(revision).error());
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
    co_return nameless(key);
  }
  if (named != key.name) {
    co_return kube::bad_request("the name of the object (" + std::string(named) +
                                ") does not match the name on the URL (" + key.name + ")");
  }
  if (kind.namespaced) {
    CO_TRY_VOID(check_namespace(key, object));
    metadata["namespace"] = key.namespace_;
  }
  CO_TRY(ObjectPtr before, co_await current(kind, key));
  const std::string uid(kube::uid_of(object));
  const json::value old = before->parse();
  if (!uid.empty() && uid != kube::uid_of(old)) {
    co_return other_object(kind, key, uid, kube::uid_of(old));
  }
  track_update(kind, &old, object, writer_of(options));
  const std::string version(kube::resource_version_of(object));
  if (version.empty() || version == "0") {
    co_return without_version(kind, key);
  }
  CO_TRY_VOID(check_version(version));
  if (version != std::to_string(before->revision)) {
    co_return kube::object_modified(kind.resource(), key.name);
  }
  auto written = co_await replace(context, kind, std::move(before), std::move(object), options);
  if (written.ok()) {
    prepend(warnings, written->warnings);
  }
  co_return written;
}

// `object` is in shape and meant to replace `before`, compared and swapped.
io::Task<Result<Written>> ObjectApi::replace(const RequestContext& context, const Kind& kind,
                                             ObjectPtr before, json::value object,
                                             const WriteOptions& options) {
  const json::value old = before->parse();
  if (only_times_differ(old, object)) {
    kube::metadata_of(object.get_object())["managedFields"] =
        old.at("metadata").at("managedFields");
  }
  kube::FieldErrors errors;
  if (options.subresource == "status") {
    object = with_status_of(old, object);
  } else {
    if (kind.has_status) {
      keep_status(old, object.get_object());
    }
    errors = fixed_fields(old, object);
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
      errors.insert(errors.end(), 2, error);
    }
  }
  CO_TRY_VOID(
      validate_object(kind, object, &old, options.subresource == "status", std::move(errors)));
  CO_TRY_VOID(co_await admit(
      {context, Operation::Update, kind, options.subresource, &old, &object, options.dry_run}));
  kube::metadata_of(object.get_object())["resourceVersion"] = std::to_string(before->revision);
  std::vector<std::string> warnings = finalizer_warnings(&old, object);
  if (same_value(object, old)) {
    co_return Written{before, false, std::move(warnings)};  // nothing changed: no new version
  }
  if (options.dry_run) {
    sort_names(object);
    co_return Written{make_object(std::move(object), before->revision), false, std::move(warnings)};
  }
  if (is_being_deleted(object) && !has_finalizers(object)) {
    co_return co_await erase(kind, before, object);
  }
  auto revision = co_await store_.update(cache_.home(), store_key(kind, before->key),
                                         before->revision, stored_form(object));
  if (!revision.ok()) {
    co_return store_error(kind, before->key, std::move(revision).error());
  }
  CO_TRY(ObjectPtr stored, co_await finish_write(object, *revision));
  co_return Written{std::move(stored), false, std::move(warnings)};
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
      if (patch.is_null()) {
        co_return kube::bad_request("Invalid JSON Patch");
      }
      if (!patch.is_object()) {
        co_return kube::bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}");
      }
      apply_merge_patch(object, patch);
    }
    Written shaped;
    CO_TRY_VOID(shape(kind, object, options, shaped.warnings, &patch));
    if (kind.namespaced) {
      CO_TRY_VOID(check_namespace(key, object));
      kube::metadata_of(object.get_object())["namespace"] = key.namespace_;
    }
    if (kube::name_of(object).empty()) {
      co_return nameless(key);
    }
    if (kube::name_of(object) != key.name) {
      co_return kube::bad_request("the name of the object (" + std::string(kube::name_of(object)) +
                                  ") does not match the name on the URL (" + key.name + ")");
    }
    const json::value old = before->parse();
    track_update(kind, &old, object, writer_of(options));
    const std::string version(kube::resource_version_of(object));
    CO_TRY_VOID(check_version(version));
    if (version.empty() || version == "0") {
      co_return without_version(kind, key);
    }
    const bool pinned = !version.empty() && version != std::to_string(before->revision);
    if (pinned) {
      co_return kube::object_modified(kind.resource(), key.name);
    }
    auto written = co_await replace(context, kind, std::move(before), std::move(object), options);
    if (written.ok()) {
      prepend(shaped.warnings, written->warnings);
      co_return written;
    }
    // Somebody else was faster: the patch is meant for the object, not for a version of it.
    const bool again = written.error().kind() == ErrorKind::Conflict && attempt < kConflictRetries;
    if (!again) {
      co_return written;
    }
  }
}

}  // namespace roadstead::objects
