// SPDX-License-Identifier: Apache-2.0
#include "objects/scale.h"

#include <limits>

#include "kube/object.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

using Path = std::vector<std::string>;

const json::value* at(const json::value& root, const Path& path) {
  const json::value* here = &root;
  for (const std::string& name : path) {
    const json::object* object = here->if_object();
    here = object == nullptr ? nullptr : object->if_contains(name);
    if (here == nullptr) {
      return nullptr;
    }
  }
  return here;
}

std::int64_t number_at(const json::value& root, const Path& path) {
  const json::value* found = path.empty() ? nullptr : at(root, path);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::string dotted(const Path& path) {
  std::string out;
  for (const std::string& name : path) {
    out += "." + name;
  }
  return out;
}

// The first value on the way that is no object; nullptr: none is.
const json::value* obstacle(const json::value& root, const Path& path) {
  const json::value* here = &root;
  for (const std::string& name : path) {
    if (!here->is_object()) {
      return here;
    }
    here = here->get_object().if_contains(name);
    if (here == nullptr) {
      return nullptr;
    }
  }
  return nullptr;
}

void check_number(const json::value& object, const Path& path, kube::FieldErrors& errors) {
  if (const json::value* wrong = obstacle(object, path)) {
    const std::string printed =
        wrong->is_string() ? std::string(wrong->get_string()) : codec::write_json(*wrong);
    const std::string type = wrong->is_string()  ? "string"
                             : wrong->is_array() ? "[]interface {}"
                             : wrong->is_bool()  ? "bool"
                             : wrong->is_null()  ? "<nil>"
                                                 : "int64";
    errors.push_back(kube::invalid(dotted(path), json::value(0),
                                   dotted(path) + " accessor error: " + printed +
                                       " is of the type " + type +
                                       ", expected map[string]interface{}"));
    return;
  }
  const std::int64_t number = number_at(object, path);
  if (number < 0) {
    errors.push_back(
        kube::invalid(dotted(path), json::value(number), "should be a non-negative integer"));
  } else if (number > std::numeric_limits<std::int32_t>::max()) {
    errors.push_back(kube::invalid(dotted(path), json::value(number),
                                   "should be less than or equal to 2147483647"));
  }
}

}  // namespace

json::value scale_or_zero(const Kind& kind, const json::value& object) {
  json::object metadata;
  for (const char* name : {"creationTimestamp", "name", "namespace", "resourceVersion", "uid"}) {
    if (const json::value* value = codec::find(object, {"metadata", name})) {
      metadata[name] = *value;
    }
  }
  json::object spec;
  if (const std::int64_t wanted = number_at(object, kind.scale->spec_replicas); wanted != 0) {
    spec["replicas"] = wanted;
  }
  json::object status;
  status["replicas"] = number_at(object, kind.scale->status_replicas);
  const json::value* selector =
      kind.scale->label_selector.empty() ? nullptr : at(object, kind.scale->label_selector);
  if (selector != nullptr && selector->is_string() && !selector->get_string().empty()) {
    status["selector"] = *selector;
  }
  return json::object{{"kind", "Scale"},
                      {"apiVersion", "autoscaling/v1"},
                      {"metadata", std::move(metadata)},
                      {"spec", std::move(spec)},
                      {"status", std::move(status)}};
}

Result<json::value> scale_of(const Kind& kind, const json::value& object) {
  if (at(object, kind.scale->spec_replicas) == nullptr) {
    const std::string why = "the spec replicas field " +
                            kube::quote(dotted(kind.scale->spec_replicas)) + " does not exist";
    kube::Status status;
    status.reason = "InternalError";
    status.message = "Internal error occurred: " + why;
    status.causes.push_back({"", why, ""});
    return kube::make_error(ErrorKind::Internal, std::move(status));
  }
  return scale_or_zero(kind, object);
}

Result<void> check_scale(const json::value& scale) {
  const json::value* replicas = codec::find(scale, {"spec", "replicas"});
  const bool fits = codec::string_at(scale, {"kind"}) == "Scale" &&
                    codec::string_at(scale, {"apiVersion"}) == "autoscaling/v1" &&
                    (replicas == nullptr || replicas->is_int64());
  return fits ? Result<void>() : kube::bad_request("the body is not a Scale of autoscaling/v1");
}

bool set_replicas(const Kind& kind, const json::value& scale, json::value& object) {
  const Path& path = kind.scale->spec_replicas;
  const std::int64_t wanted = codec::int_at(scale, {"spec", "replicas"});
  const json::value* before = at(object, path);
  const bool differs = before == nullptr || number_at(object, path) != wanted;
  json::object* parent = &object.get_object();
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    parent = &kube::object_at(*parent, path[i]);
  }
  (*parent)[path.back()] = wanted;
  return differs;
}

void validate_scale(const Kind& kind, const json::value& object, bool only_status,
                    kube::FieldErrors& errors) {
  if (!kind.scale) {
    return;
  }
  if (!only_status) {
    check_number(object, kind.scale->spec_replicas, errors);
  }
  check_number(object, kind.scale->status_replicas, errors);
}

}  // namespace roadstead::objects
