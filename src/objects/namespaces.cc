// SPDX-License-Identifier: Apache-2.0
#include "objects/namespaces.h"

#include <algorithm>

#include "kube/names.h"
#include "kube/status.h"
#include "objects/meta.h"
#include "objects/object_api.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kNameLabel = "kubernetes.io/metadata.name";

// A list that is empty is left out.
void drop_empty(json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const bool empty = value != nullptr && (value->is_null() || value->as_array().empty());
  if (empty) {
    object.erase(name);
  }
}

void default_condition(json::object& condition) {
  for (const char* name : {"type", "status"}) {
    if (!condition.contains(name)) {
      condition[name] = "";
    }
  }
  for (const char* name : {"reason", "message"}) {
    const json::value* value = condition.if_contains(name);
    if (value != nullptr && value->is_string() && value->get_string().empty()) {
      condition.erase(name);
    }
  }
  if (!condition.contains("lastTransitionTime")) {
    condition["lastTransitionTime"] = nullptr;
  }
}

Error wrong_type(std::string_view path, const json::value& value) {
  std::string_view is = "object";
  if (value.is_string()) {
    is = "string";
  } else if (value.is_array()) {
    is = "array";
  } else if (value.is_bool()) {
    is = "bool";
  } else if (value.is_number()) {
    is = "number";
  }
  return Error(ErrorKind::InvalidArgument, "json: cannot unmarshal " + std::string(is) +
                                               " into Go struct field " + std::string(path));
}

Result<void> check_texts(const json::value* list, std::string_view path) {
  if (list == nullptr || list->is_null()) {
    return {};
  }
  if (!list->is_array()) {
    return wrong_type(path, *list);
  }
  for (const json::value& one : list->get_array()) {
    if (!one.is_string() && !one.is_null()) {
      return wrong_type(path, one);
    }
  }
  return {};
}

// Finalizers without a domain are those that Kubernetes knows.
void validate_finalizer_name(const json::value& name, const std::string& path,
                             kube::FieldErrors& errors) {
  const std::string_view text = name.get_string();
  const bool standard = text == kNamespaceFinalizer || text == kube::kOrphanFinalizer ||
                        text == kube::kForegroundFinalizer;
  if (!standard && text.find('/') == std::string_view::npos) {
    errors.push_back(kube::invalid(
        path, name, "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

const json::array* finalizers_of(const json::value& object, std::string_view part) {
  const json::value* list = codec::find(object, {part, "finalizers"});
  return list == nullptr ? nullptr : list->if_array();
}

void validate_spec(const json::value& object, bool indexed, kube::FieldErrors& errors) {
  const json::array* list = finalizers_of(object, "spec");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string path =
        indexed ? "spec.finalizers[" + std::to_string(i) + "]" : std::string("spec.finalizers");
    for (const std::string& complaint : kube::check_label_key((*list)[i].get_string())) {
      errors.push_back(kube::invalid(path, (*list)[i], complaint));
    }
    validate_finalizer_name((*list)[i], path, errors);
  }
}

void validate_finalizers(const json::value& object, kube::FieldErrors& errors) {
  const json::array* list = finalizers_of(object, "metadata");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    validate_finalizer_name((*list)[i], "metadata.finalizers[" + std::to_string(i) + "]", errors);
  }
}

void validate_phase(const json::value& object, kube::FieldErrors& errors) {
  const std::string_view phase = codec::string_at(object, {"status", "phase"});
  const bool going = kube::is_being_deleted(object);
  if (phase != (going ? "Terminating" : "Active")) {
    errors.push_back(kube::invalid("status.Phase", json::value(phase),
                                   going ? "may only be 'Terminating' if `deletionTimestamp` is "
                                           "not empty"
                                         : "may only be 'Active' if `deletionTimestamp` is empty"));
  }
}

}  // namespace

void default_namespace(json::value& object) {
  json::object& root = object.get_object();
  drop_empty(kube::object_at(root, "spec"), "finalizers");
  json::object& status = kube::object_at(root, "status");
  drop_empty(status, "conditions");
  if (json::value* conditions = status.if_contains("conditions")) {
    for (json::value& one : conditions->get_array()) {
      default_condition(one.get_object());
    }
  }
  if (codec::string_at(object, {"status", "phase"}).empty()) {
    status["phase"] = "Active";
  }
  const std::string name(kube::name_of(object));
  if (!name.empty()) {
    kube::object_at(kube::metadata_of(root), "labels")[kNameLabel] = name;
  }
}

Result<void> check_namespace_types(const json::value& object) {
  for (const char* part : {"spec", "status"}) {
    const json::value* value = codec::find(object, {part});
    if (value != nullptr && !value->is_object() && !value->is_null()) {
      return wrong_type("Namespace." + std::string(part), *value);
    }
  }
  TRY_VOID(
      check_texts(codec::find(object, {"spec", "finalizers"}), "NamespaceSpec.spec.finalizers"));
  const json::value* phase = codec::find(object, {"status", "phase"});
  if (phase != nullptr && !phase->is_string() && !phase->is_null()) {
    return wrong_type("NamespaceStatus.status.phase", *phase);
  }
  const json::value* conditions = codec::find(object, {"status", "conditions"});
  if (conditions == nullptr || conditions->is_null()) {
    return {};
  }
  if (!conditions->is_array()) {
    return wrong_type("NamespaceStatus.status.conditions", *conditions);
  }
  for (const json::value& one : conditions->get_array()) {
    if (!one.is_object()) {
      return wrong_type("NamespaceStatus.status.conditions", one);
    }
    for (const auto& [name, value] : one.get_object()) {
      if (!value.is_string() && !value.is_null()) {
        return wrong_type("NamespaceCondition.status.conditions." + std::string(name), value);
      }
    }
  }
  return {};
}

void begin_namespace(json::value& object) {
  json::object& root = object.get_object();
  root["status"] = json::object{{"phase", "Active"}};
  json::value& list = kube::object_at(root, "spec")["finalizers"];
  if (!list.is_array()) {
    list = json::array();
  }
  json::array& finalizers = list.get_array();
  if (std::find(finalizers.begin(), finalizers.end(), json::value(kNamespaceFinalizer)) ==
      finalizers.end()) {
    finalizers.push_back(json::value(kNamespaceFinalizer));
  }
}

void keep_of_namespace(const json::value& old, json::value& object, std::string_view subresource) {
  json::object& root = object.get_object();
  if (subresource != kFinalizeSubresource) {
    root["spec"] = old.at("spec");
  }
  if (subresource != "status") {
    root["status"] = old.at("status");
  }
}

void validate_namespace(const json::value& object, const json::value* old,
                        std::string_view subresource, kube::FieldErrors& errors) {
  validate_finalizers(object, errors);
  if (subresource.empty()) {
    validate_spec(object, false, errors);
  } else if (subresource == "status") {
    validate_phase(object, errors);
  } else {
    validate_spec(object, true, errors);
  }
  if (old != nullptr) {
    if (subresource.empty()) {
      validate_finalizers(object, errors);
    }
    validate_changed_metadata(object, errors);
    validate_changed_metadata(object, errors);
  }
}

bool is_terminating(const json::value& object) {
  return codec::string_at(object, {"status", "phase"}) == "Terminating";
}

bool is_finalized(const json::value& object) {
  const json::array* list = finalizers_of(object, "spec");
  return list == nullptr || list->empty();
}

void begin_termination(json::value& object, std::string_view now) {
  kube::metadata_of(object.get_object())["deletionTimestamp"] = now;
  kube::object_at(object.get_object(), "status")["phase"] = "Terminating";
}

Error namespace_is_terminating(const Kind& kind, std::string_view name,
                               std::string_view namespace_) {
  const std::string place(namespace_);
  kube::Status status = kube::status_of(kube::forbidden(
      kind.resource(), name,
      "unable to create new content in namespace " + place + " because it is being terminated"));
  status.causes.push_back({"NamespaceTerminating", "namespace " + place + " is being terminated",
                           "metadata.namespace"});
  return kube::make_error(ErrorKind::PermissionDenied, std::move(status));
}

io::Task<Result<void>> ensure_default_namespace(ObjectApi& api) {
  const Kind* kind = api.kinds().find_kind("", "Namespace");
  CHECK(kind != nullptr, "namespaces are built in");
  if (api.cache().of(*kind).find({"", std::string(kDefaultNamespace)}) != nullptr) {
    co_return Result<void>();
  }
  const RequestContext context = service_context("start");
  json::object object{{"apiVersion", "v1"},
                      {"kind", "Namespace"},
                      {"metadata", json::object{{"name", kDefaultNamespace}}}};
  WriteOptions options;
  options.field_manager = "roadstead-hub";
  const auto made =
      co_await api.create(context, *kind, "", json::value(std::move(object)), std::move(options));
  if (!made.ok() && made.error().kind() != ErrorKind::AlreadyExists) {
    co_return made.error();
  }
  co_return Result<void>();
}

}  // namespace roadstead::objects
