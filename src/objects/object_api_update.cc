// SPDX-License-Identifier: Apache-2.0
// update and patch.
#include <algorithm>
#include <set>

#include "kube/names.h"
#include "objects/field_set.h"
#include "objects/meta.h"
#include "objects/namespaces.h"
#include "objects/object_api.h"
#include "objects/patch.h"
#include "objects/strategic_patch.h"

namespace roadstead::objects {
namespace {

constexpr int kConflictRetries = 5;

// An update that carries the uid of another object of that name.
Error other_object(const Kind& kind, const kube::ObjectKey& key, std::string_view wanted,
                   std::string_view actual) {
  return kube::conflict(kind.resource(), key.name,
                        "StorageError: invalid object, Code: 4, Key: /registry/" +
                            (kind.native ? "" : kind.group + "/") + kind.plural + "/" +
                            key.to_string() +
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

Result<void> check_same_namespace(const kube::ObjectKey& key, const json::value& object) {
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

// Takes back what this update may not change, and tells what is wrong about that.
kube::FieldErrors prepare_update(const Kind& kind, const json::value& old, json::value& object,
                                 std::string_view subresource) {
  if (kind.native) {
    keep_of_namespace(old, object, subresource);
  } else if (subresource == "status") {
    object = with_status_of(old, object);
    return {};
  } else if (kind.has_status) {
    keep_status(old, object.get_object());
  }
  kube::FieldErrors errors = fixed_fields(old, object);
  keep_identity(old, object.get_object());
  if (!kind.native && spec_differs(kind, old, object)) {
    kube::metadata_of(object.get_object())["generation"] = kube::generation_of(old) + 1;
  }
  const std::string added = kube::is_being_deleted(old) ? added_finalizers(old, object) : "";
  if (!added.empty()) {
    const kube::FieldError error = kube::forbidden(
        "metadata.finalizers",
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        "[]string{" +
            added + "}");
    errors.insert(errors.end(), 2, error);
  }
  return errors;
}

// A version of the object that a write is meant for. Native kinds may be written without one.
Result<void> check_locked(const Kind& kind, const ObjectPtr& before, const json::value& object) {
  const std::string_view version = kube::resource_version_of(object);
  if (version.empty() || version == "0") {
    return kind.native ? Result<void>() : without_version(kind, before->key);
  }
  TRY_VOID(check_version(version));
  if (version != std::to_string(before->revision)) {
    return kube::object_modified(kind.resource(), before->key.name);
  }
  return {};
}

}  // namespace

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
    CO_TRY_VOID(check_same_namespace(key, object));
    metadata["namespace"] = key.namespace_;
  }
  CO_TRY(ObjectPtr before, co_await current(kind, key));
  const std::string uid(kube::uid_of(object));
  const json::value old = before->parse();
  if (!uid.empty() && uid != kube::uid_of(old)) {
    co_return other_object(kind, key, uid, kube::uid_of(old));
  }
  track_update(kind, &old, object, writer_of(options));
  CO_TRY_VOID(check_locked(kind, before, object));
  auto written =
      co_await replace(context, kind, std::move(before), old, std::move(object), options);
  if (written.ok()) {
    written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  }
  co_return written;
}

// `object` is in shape and meant to replace `before`, compared and swapped. `old` is what `before`
// holds; it outlives the task.
io::Task<Result<Written>> ObjectApi::replace(const RequestContext& context, const Kind& kind,
                                             ObjectPtr before, const json::value& old,
                                             json::value object, const WriteOptions& options) {
  if (only_times_differ(old, object)) {
    kube::metadata_of(object.get_object())["managedFields"] =
        old.at("metadata").at("managedFields");
  }
  kube::FieldErrors errors = prepare_update(kind, old, object, options.subresource);
  CO_TRY_VOID(validate_object(kind, object, &old, options.subresource, std::move(errors)));
  if (kind.native) {
    default_namespace(object);
  }
  CO_TRY_VOID(co_await admit(
      {context, Operation::Update, kind, options.subresource, &old, &object, options.dry_run}));
  kube::metadata_of(object.get_object())["resourceVersion"] = std::to_string(before->revision);
  std::vector<std::string> warnings;
  if (!kind.native) {
    warnings = finalizer_warnings(&old, object);
  }
  if (same_value(object, old)) {
    co_return Written{before, false, std::move(warnings)};  // nothing changed: no new version
  }
  const bool held = has_finalizers(object) || (kind.native && !is_finalized(object));
  if (!options.dry_run && kube::is_being_deleted(object) && !held) {
    co_return co_await erase(kind, before, object);
  }
  CO_TRY(Written written, co_await store_changed(kind, before, std::move(object), options.dry_run));
  written.warnings = std::move(warnings);
  co_return written;
}

io::Task<Result<Written>> ObjectApi::patch(const RequestContext& context, const Kind& kind,
                                           kube::ObjectKey key, PatchType type, json::value patch,
                                           WriteOptions options) {
  for (int attempt = 0;; ++attempt) {
    CO_TRY(ObjectPtr before, co_await current(kind, key));
    const json::value old = before->parse();
    json::value object = old;
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
      if (type == PatchType::Strategic) {
        CO_TRY_VOID(apply_strategic_patch(kind.merge->root(), object, patch));
      } else {
        apply_merge_patch(object, patch);
      }
    }
    Written shaped;
    CO_TRY_VOID(shape(kind, object, options, shaped.warnings, &patch));
    if (kind.namespaced) {
      CO_TRY_VOID(check_same_namespace(key, object));
      kube::metadata_of(object.get_object())["namespace"] = key.namespace_;
    }
    if (kube::name_of(object).empty()) {
      co_return nameless(key);
    }
    if (kube::name_of(object) != key.name) {
      co_return kube::bad_request("the name of the object (" + std::string(kube::name_of(object)) +
                                  ") does not match the name on the URL (" + key.name + ")");
    }
    track_update(kind, &old, object, writer_of(options));
    CO_TRY_VOID(check_locked(kind, before, object));
    auto written =
        co_await replace(context, kind, std::move(before), old, std::move(object), options);
    if (written.ok()) {
      written->warnings.insert(written->warnings.begin(), shaped.warnings.begin(),
                               shaped.warnings.end());
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
