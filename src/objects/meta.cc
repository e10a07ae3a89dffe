// SPDX-License-Identifier: Apache-2.0
#include "objects/meta.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "kube/names.h"
#include "kube/object.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

// As Go writes an OwnerReference.
json::object in_go_order(const json::value& owner) {
  json::object out;
  for (const char* name :
       {"apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"}) {
    if (const json::value* value = owner.get_object().if_contains(name)) {
      out[name] = *value;
    }
  }
  return out;
}

void validate_owner(const json::value& owner, kube::FieldErrors& errors) {
  const std::string path = "metadata.ownerReferences";
  const std::string_view version = codec::string_at(owner, {"apiVersion"});
  const bool bad_version = version.empty() || std::count(version.begin(), version.end(), '/') > 1;
  if (bad_version) {
    errors.push_back(
        kube::invalid(path + ".apiVersion", json::value(version), "version must not be empty"));
  }
  for (const char* name : {"kind", "name", "uid"}) {
    if (codec::string_at(owner, {name}).empty()) {
      errors.push_back(
          kube::invalid(path + "." + std::string(name), json::value(""), "must not be empty"));
    }
  }
  if (version == "v1" && codec::string_at(owner, {"kind"}) == "Event") {
    errors.push_back(kube::invalid(path, in_go_order(owner),
                                   "/v1, Kind=Event is disallowed from being an owner"));
  }
}

void validate_owners(const json::value& object, kube::FieldErrors& errors) {
  const json::value* list = codec::find(object, {"metadata", "ownerReferences"});
  if (list == nullptr || !list->is_array()) {
    return;
  }
  std::string controller;
  for (const json::value& owner : list->get_array()) {
    validate_owner(owner, errors);
    if (!codec::bool_at(owner, {"controller"})) {
      continue;
    }
    const std::string name = std::string(codec::string_at(owner, {"kind"})) + "/" +
                             std::string(codec::string_at(owner, {"name"}));
    if (controller.empty()) {
      controller = name;
      continue;
    }
    json::array all;
    for (const json::value& one : list->get_array()) {
      all.push_back(in_go_order(one));
    }
    errors.push_back(kube::invalid(
        "metadata.ownerReferences", all,
        "Only one reference can have Controller set to true. Found \"true\" in references for " +
            controller + " and " + name));
  }
}

void validate_finalizers(const json::value& object, kube::FieldErrors& errors) {
  const json::value* list = codec::find(object, {"metadata", "finalizers"});
  if (list == nullptr || !list->is_array()) {
    return;
  }
  bool orphan = false;
  bool foreground = false;
  for (const json::value& one : list->get_array()) {
    for (const std::string& complaint : kube::check_label_key(one.get_string())) {
      errors.push_back(kube::invalid("metadata.finalizers", one, complaint));
    }
    orphan = orphan || one.get_string() == kube::kOrphanFinalizer;
    foreground = foreground || one.get_string() == kube::kForegroundFinalizer;
  }
  if (orphan && foreground) {
    errors.push_back(kube::invalid("metadata.finalizers", *list,
                                   "finalizer orphan and foregroundDeletion cannot be both set"));
  }
}

kube::Complaints check_name(const Kind& kind, std::string_view name) {
  return kind.native ? kube::check_dns1123_label(name) : kube::check_dns1123_subdomain(name);
}

}  // namespace

std::vector<std::string> finalizer_warnings(const json::value* old, const json::value& object) {
  std::vector<std::string> out;
  const json::value* list = codec::find(object, {"metadata", "finalizers"});
  const json::value* before =
      old == nullptr ? nullptr : codec::find(*old, {"metadata", "finalizers"});
  if (list == nullptr || !list->is_array()) {
    return out;
  }
  for (const json::value& one : list->get_array()) {
    const std::string_view name = one.get_string();
    const bool known = before != nullptr && before->is_array() &&
                       std::find(before->get_array().begin(), before->get_array().end(), one) !=
                           before->get_array().end();
    const bool standard = name == kube::kOrphanFinalizer || name == kube::kForegroundFinalizer ||
                          name == "kubernetes";
    if (known || standard || name.find('/') != std::string_view::npos) {
      continue;
    }
    const bool dotted = name.find('.') != std::string_view::npos;
    out.push_back("metadata.finalizers: " + kube::quote(name) +
                  ": prefer a domain-qualified finalizer name " +
                  (dotted ? "including a path (/) " : "") +
                  "to avoid accidental conflicts with other finalizer writers");
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> drop_repeated_owners(json::object& object) {
  json::value* list = kube::metadata_of(object).if_contains("ownerReferences");
  if (list == nullptr || !list->is_array()) {
    return {};
  }
  json::array kept;
  std::vector<std::string> repeated;
  for (const json::value& owner : list->get_array()) {
    if (std::find(kept.begin(), kept.end(), owner) == kept.end()) {
      kept.push_back(owner);
    } else {
      repeated.emplace_back(codec::string_at(owner, {"uid"}));
    }
  }
  *list = std::move(kept);
  if (repeated.empty()) {
    return {};
  }
  std::string uids;
  for (const std::string& uid : repeated) {
    uids += (uids.empty() ? "" : ", ") + uid;
  }
  return {
      ".metadata.ownerReferences contains duplicate entries; API server dedups owner "
      "references in 1.20+, and may reject such requests as early as 1.24; please fix your "
      "requests; duplicate UID(s) observed: " +
      uids};
}

Result<void> check_kind_name(const Kind& kind, const json::value& object) {
  const std::string_view name = codec::string_at(object, {"kind"});
  const std::string_view version = codec::string_at(object, {"apiVersion"});
  kube::FieldErrors errors;
  if (name != kind.kind) {
    errors.push_back(kube::invalid("kind", json::value(name), "must be " + kind.kind));
  }
  if (version != kind.api_version()) {
    errors.push_back(
        kube::invalid("apiVersion", json::value(version), "must be " + kind.api_version()));
  }
  // Named by what it says it is.
  const std::size_t slash = version.find('/');
  const std::string_view group = slash == std::string_view::npos ? "" : version.substr(0, slash);
  return errors.empty() ? Result<void>()
                        : kube::invalid(group, name, kube::name_of(object), errors);
}

void validate_changed_metadata(const json::value& object, kube::FieldErrors& errors) {
  if (const json::value* labels = codec::find(object, {"metadata", "labels"})) {
    kube::check_labels(*labels, "metadata.labels", errors);
  }
  if (const json::value* annotations = codec::find(object, {"metadata", "annotations"})) {
    kube::check_annotations(*annotations, "metadata.annotations", errors);
  }
  validate_owners(object, errors);
}

void validate_metadata(const Kind& kind, const json::value& object, kube::FieldErrors& errors) {
  const std::string_view name = kube::name_of(object);
  const std::string_view prefix = codec::string_at(object, {"metadata", "generateName"});
  if (name.empty()) {
    errors.push_back(kube::required("metadata.name", "name or generateName is required"));
  } else {
    for (const std::string& complaint : check_name(kind, name)) {
      errors.push_back(kube::invalid("metadata.name", json::value(name), complaint));
    }
  }
  if (!prefix.empty()) {
    std::string_view trimmed = prefix;
    while (trimmed.ends_with('-')) {
      trimmed.remove_suffix(1);
    }
    for (const std::string& complaint : check_name(kind, trimmed)) {
      errors.push_back(kube::invalid("metadata.generateName", json::value(prefix), complaint));
    }
  }
  if (kind.namespaced && kube::namespace_of(object).empty()) {
    errors.push_back(kube::required("metadata.namespace"));
  }
  if (const json::value* labels = codec::find(object, {"metadata", "labels"})) {
    kube::check_labels(*labels, "metadata.labels", errors);
  }
  if (const json::value* annotations = codec::find(object, {"metadata", "annotations"})) {
    kube::check_annotations(*annotations, "metadata.annotations", errors);
  }
  validate_owners(object, errors);
  validate_finalizers(object, errors);
}

std::string generate_name(Random& random, std::string_view prefix) {
  // No vowels and no look-alikes, as apiserver/pkg/storage/names.
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kMaxPrefix = 58;
  std::string name(prefix.substr(0, kMaxPrefix));
  for (int i = 0; i < 5; ++i) {
    name += kLetters[random.below(kLetters.size())];
  }
  return name;
}

void wipe_server_fields(json::object& object) {
  json::object& metadata = kube::metadata_of(object);
  for (const char* name : {"uid", "creationTimestamp", "deletionTimestamp",
                           "deletionGracePeriodSeconds", "selfLink"}) {
    metadata.erase(name);
  }
}

void begin_life(json::object& object, Random& random, WallTime now) {
  wipe_server_fields(object);
  json::object& metadata = kube::metadata_of(object);
  metadata.erase("resourceVersion");
  metadata["uid"] = random.uuid_v4();
  metadata["creationTimestamp"] = format_rfc3339(now);
  metadata["generation"] = 1;
}

void keep_identity(const json::value& old, json::object& object) {
  json::object& metadata = kube::metadata_of(object);
  const json::object& before = old.at("metadata").get_object();
  for (const char* name : {"name", "namespace", "uid", "creationTimestamp", "generation",
                           "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    if (const json::value* value = before.if_contains(name)) {
      metadata[name] = *value;
    } else {
      metadata.erase(name);
    }
  }
}

bool has_finalizers(const json::value& object) {
  const json::value* list = codec::find(object, {"metadata", "finalizers"});
  return list != nullptr && list->is_array() && !list->get_array().empty();
}

bool spec_differs(const Kind& kind, const json::value& a, const json::value& b) {
  const auto reduced = [&](const json::value& v) {
    json::object copy = v.get_object();
    copy.erase("metadata");
    if (kind.has_status) {
      copy.erase("status");
    }
    return copy;
  };
  return reduced(a) != reduced(b);
}

}  // namespace roadstead::objects
