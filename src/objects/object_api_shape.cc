// SPDX-License-Identifier: Apache-2.0
// A request's object is brought into its kind's shape and validated.
#include <algorithm>

#include "kube/names.h"
#include "objects/meta.h"
#include "objects/namespaces.h"
#include "objects/object_api.h"
#include "objects/scale.h"

namespace roadstead::objects {
namespace {

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

// Of a native kind, a request need not say what the path says.
void name_type(const Kind& kind, json::value& object) {
  json::object* root = object.if_object();
  if (root == nullptr) {
    return;
  }
  const auto fill = [&](std::string_view name, const std::string& text) {
    const json::value* said = root->if_contains(name);
    if (said == nullptr || said->is_null() || *said == json::value("")) {
      (*root)[name] = text;
    }
  };
  fill("apiVersion", kind.api_version());
  fill("kind", kind.kind);
}

// Of a native kind, another type is told before anything else.
Result<void> check_native_type(const Kind& kind, const json::value& object) {
  const std::string name(codec::string_at(object, {"kind"}));
  const std::string version(codec::string_at(object, {"apiVersion"}));
  if (!object.is_object() || (name == kind.kind && version == kind.api_version())) {
    return {};
  }
  return kube::bad_request(name + " in version " + kube::quote(version) +
                           " cannot be handled as a " + kind.kind + ": no kind " +
                           kube::quote(name) + " is registered for version " +
                           kube::quote(version) + " in scheme \"pkg/runtime/scheme.go:111\"");
}

Error no_api_version() {
  const std::string why = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
  kube::Status status;
  status.reason = "InternalError";
  status.message = "Internal error occurred: " + why;
  status.causes.push_back({"", why, ""});
  return kube::make_error(ErrorKind::Internal, std::move(status));
}

}  // namespace

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
  if (kind.native) {
    name_type(kind, object);
  }
  if (patch == nullptr) {
    if (kind.native) {
      TRY_VOID(check_native_type(kind, object));
    }
    TRY_VOID(check_body(kind, object));
  } else if (codec::string_at(object, {"kind"}).empty()) {
    return refuse("Object 'Kind' is missing in '" + codec::write_json(object) + "'");
  }
  const std::string type(codec::string_at(object, {"apiVersion"}));
  if (patch != nullptr && type.empty()) {
    return no_api_version();
  }
  if (patch != nullptr && std::count(type.begin(), type.end(), '/') > 1) {
    return refuse("unexpected GroupVersion string: " + type);
  }
  auto coerced = coerce_metadata(kind, object.get_object());
  if (!coerced.ok()) {
    return refuse(coerced.error().message());
  }
  std::vector<std::string> unknown = std::move(*coerced);
  // Of another version nothing is known.
  static const Schema kNothing{.type = SchemaType::Object};
  const bool known = type.substr(type.rfind('/') + 1) == kind.version;
  for (std::string& path : prune(known ? *kind.schema : kNothing, object)) {
    unknown.push_back(std::move(path));
  }
  if (kind.native) {
    if (const auto checked = check_namespace_types(object); !checked.ok()) {
      return refuse(checked.error().message());
    }
  }
  if (!kind.native) {
    std::sort(unknown.begin(), unknown.end());  // Kubernetes' own kinds: as they stand
  }
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
  if (options.told != nullptr) {
    *options.told = warnings;
  }
  apply_defaults(*kind.schema, object);
  if (kind.native) {
    default_namespace(object);
  }
  for (std::string& warning : drop_repeated_owners(object.get_object())) {
    warnings.push_back(std::move(warning));
  }
  return {};
}

Result<void> ObjectApi::validate_object(const Kind& kind, const json::value& object,
                                        const json::value* old, std::string_view subresource,
                                        kube::FieldErrors errors) {
  const bool only_status = subresource == "status";
  TRY_VOID(check_kind_name(kind, object));
  validate_metadata(kind, object, errors);
  if (kind.native) {
    if (old != nullptr && subresource.empty()) {
      validate_metadata(kind, object, errors);  // the API server does this one twice
    }
    validate_namespace(object, old, subresource, errors);
  } else if (!only_status) {
    validate(*kind.schema, object, "", errors, old);
  } else if (const json::value* status = object.get_object().if_contains("status")) {
    if (const Schema* schema = kind.schema->property("status")) {
      kube::FieldErrors found;  // the API server takes the status for a root
      validate(*schema, *status, "", found,
               old == nullptr ? nullptr : old->get_object().if_contains("status"));
      for (kube::FieldError& error : found) {
        const bool whole = error.field.empty() || error.field == "<nil>";
        error.field = whole ? "status" : "status." + error.field;
        errors.push_back(std::move(error));
      }
    }
  }
  kube::FieldErrors before;
  if (old != nullptr) {
    validate_lists(*kind.schema, *old, "", before);
  }
  if (before.empty() && !kind.native) {
    validate_lists(*kind.schema, object, "", errors);
  }
  validate_scale(kind, object, only_status, errors);
  if (old != nullptr && !kind.native) {
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

}  // namespace roadstead::objects
