// SPDX-License-Identifier: Apache-2.0
#include "objects/kind.h"

#include <algorithm>

#include "base/ascii.h"
#include "codec/yaml.h"
#include "objects/builtin_kinds.h"

namespace roadstead::objects {
namespace {

Error bad(std::string_view where, std::string_view why) {
  return Error(ErrorKind::InvalidArgument, std::string(where) + ": " + std::string(why));
}

std::vector<std::string> strings(const json::value* list) {
  std::vector<std::string> out;
  if (list != nullptr && list->is_array()) {
    for (const json::value& one : list->get_array()) {
      if (one.is_string()) {
        out.emplace_back(one.get_string());
      }
    }
  }
  return out;
}

Result<std::vector<PrinterColumn>> parse_columns(const json::value* list) {
  std::vector<PrinterColumn> out;
  if (list == nullptr || !list->is_array()) {
    // What the API server shows when a CRD names no columns.
    TRY(JsonPath created, JsonPath::compile(".metadata.creationTimestamp"));
    out.push_back({"Age", "date", "",
                   "CreationTimestamp is a timestamp representing the server time when this object "
                   "was created. It is not guaranteed to be set in happens-before order across "
                   "separate operations. Clients may not set this value. It is represented in "
                   "RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for "
                   "lists. More info: https://git.k8s.io/community/contributors/devel/"
                   "sig-architecture/api-conventions.md#metadata",
                   0, std::move(created)});
    return out;
  }
  for (const json::value& one : list->get_array()) {
    PrinterColumn column;
    column.name = codec::string_at(one, {"name"});
    column.type = codec::string_at(one, {"type"});
    column.format = codec::string_at(one, {"format"});
    column.description = codec::string_at(one, {"description"});
    column.priority = codec::int_at(one, {"priority"});
    const std::string_view path = codec::string_at(one, {"jsonPath"});
    TRY(column.path, JsonPath::compile(path));
    if (column.description.empty()) {
      column.description =
          "Custom resource definition column (in JSONPath format): " + std::string(path);
    }
    out.push_back(std::move(column));
  }
  return out;
}

Result<std::vector<SelectableField>> parse_selectable(const json::value* list) {
  std::vector<SelectableField> out;
  if (list != nullptr && list->is_array()) {
    for (const json::value& one : list->get_array()) {
      const std::string_view path = codec::string_at(one, {"jsonPath"});
      TRY(JsonPath compiled, JsonPath::compile(path));
      out.push_back({std::string(path.substr(path.starts_with('.') ? 1 : 0)), std::move(compiled)});
    }
  }
  return out;
}

// ".spec.replicas": only names, below `root`.
Result<std::vector<std::string>> parse_scale_path(const json::value& scale, std::string_view key,
                                                  std::string_view root) {
  const std::string_view text = codec::string_at(scale, {key});
  const std::string where = "spec.versions[0].subresources.scale." + std::string(key);
  if (!text.starts_with("." + std::string(root) + ".")) {
    return bad(where, "must be a path below ." + std::string(root));
  }
  std::vector<std::string> out;
  for (const std::string_view name : ascii::split(text.substr(1), '.')) {
    if (name.empty() || name.find_first_of("[]'\"*\\") != std::string_view::npos) {
      return bad(where, "must be names with dots between them");
    }
    out.emplace_back(name);
  }
  return out;
}

Result<ScalePaths> parse_scale(const json::value& scale) {
  ScalePaths out;
  TRY(out.spec_replicas, parse_scale_path(scale, "specReplicasPath", "spec"));
  TRY(out.status_replicas, parse_scale_path(scale, "statusReplicasPath", "status"));
  if (codec::find(scale, {"labelSelectorPath"}) != nullptr) {
    TRY(out.label_selector, parse_scale_path(scale, "labelSelectorPath", "status"));
  }
  return out;
}

Result<void> parse_version(Kind& kind, const json::value& version) {
  kind.version = codec::string_at(version, {"name"});
  if (!codec::bool_at(version, {"served"}) || !codec::bool_at(version, {"storage"})) {
    return bad("spec.versions[0]", "must be served and stored");
  }
  const json::value* subresources = codec::find(version, {"subresources"});
  if (subresources != nullptr && subresources->is_object()) {
    for (const auto& [name, value] : subresources->get_object()) {
      if (std::string_view(name) == "status") {
        kind.has_status = true;
      } else if (std::string_view(name) == "scale") {
        TRY(kind.scale, parse_scale(value));
      } else {
        return bad("spec.versions[0].subresources." + std::string(name), "is not supported");
      }
    }
  }
  TRY(kind.columns, parse_columns(codec::find(version, {"additionalPrinterColumns"})));
  TRY(kind.selectable, parse_selectable(codec::find(version, {"selectableFields"})));
  const json::value* schema = codec::find(version, {"schema", "openAPIV3Schema"});
  if (schema == nullptr) {
    return bad("spec.versions[0].schema.openAPIV3Schema", "Required value");
  }
  kind.schema_source = *schema;
  TRY(kind.schema, parse_schema(*schema, "spec.versions[0].schema.openAPIV3Schema"));
  kind.merge = std::make_unique<MergeSchema>(*kind.schema);
  return {};
}

}  // namespace

Result<std::unique_ptr<Kind>> parse_kind(const json::value& crd) {
  if (codec::string_at(crd, {"kind"}) != "CustomResourceDefinition" ||
      codec::string_at(crd, {"apiVersion"}) != "apiextensions.k8s.io/v1") {
    return bad("kind", "must be CustomResourceDefinition of apiextensions.k8s.io/v1");
  }
  auto kind = std::make_unique<Kind>();
  kind->group = codec::string_at(crd, {"spec", "group"});
  kind->plural = codec::string_at(crd, {"spec", "names", "plural"});
  kind->singular = codec::string_at(crd, {"spec", "names", "singular"});
  kind->kind = codec::string_at(crd, {"spec", "names", "kind"});
  kind->list_kind = codec::string_at(crd, {"spec", "names", "listKind"}, kind->kind + "List");
  kind->short_names = strings(codec::find(crd, {"spec", "names", "shortNames"}));
  kind->categories = strings(codec::find(crd, {"spec", "names", "categories"}));
  kind->namespaced = codec::string_at(crd, {"spec", "scope"}) == "Namespaced";
  kind->native = kind->group.empty() && kind->plural == "namespaces";
  const bool grouped = kind->native || !kind->group.empty();
  if (!grouped || kind->plural.empty() || kind->kind.empty()) {
    return bad("spec", "group, names.plural and names.kind are required");
  }
  if (codec::string_at(crd, {"metadata", "name"}) != kind->storage_name()) {
    return bad("metadata.name", "must be " + kind->storage_name());
  }
  const json::value* versions = codec::find(crd, {"spec", "versions"});
  if (versions == nullptr || !versions->is_array() || versions->get_array().size() != 1) {
    return bad("spec.versions", "exactly one version is supported");
  }
  TRY_VOID(parse_version(*kind, versions->get_array()[0]));
  return kind;
}

Result<KindRegistry> KindRegistry::builtin() {
  KindRegistry registry;
  for (const BuiltinKind& file : builtin_kinds()) {
    auto parsed = codec::parse_yaml(file.text);
    if (!parsed.ok()) {
      return std::move(parsed).with_context(file.file).error();
    }
    for (const json::value& document : *parsed) {
      auto kind = parse_kind(document);
      if (!kind.ok()) {
        return std::move(kind).with_context(file.file).error();
      }
      TRY_VOID(registry.add(std::move(*kind)));
    }
  }
  return registry;
}

Result<void> KindRegistry::add(std::unique_ptr<Kind> kind) {
  for (const auto& other : kinds_) {
    if (other->group == kind->group &&
        (other->plural == kind->plural || other->kind == kind->kind)) {
      return bad(kind->storage_name(), "is declared twice");
    }
    for (const std::string& name : kind->short_names) {
      if (std::find(other->short_names.begin(), other->short_names.end(), name) !=
          other->short_names.end()) {
        return bad(kind->storage_name(), "short name " + name + " is taken");
      }
    }
  }
  kinds_.push_back(std::move(kind));
  return {};
}

const Kind* KindRegistry::find(std::string_view group, std::string_view version,
                               std::string_view plural) const {
  for (const auto& kind : kinds_) {
    if (kind->group == group && kind->version == version && kind->plural == plural) {
      return kind.get();
    }
  }
  return nullptr;
}

const Kind* KindRegistry::find_kind(std::string_view group, std::string_view name) const {
  for (const auto& kind : kinds_) {
    if (kind->group == group && kind->kind == name) {
      return kind.get();
    }
  }
  return nullptr;
}

std::map<std::string, std::vector<std::string>> KindRegistry::groups() const {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& kind : kinds_) {
    auto& versions = out[kind->group];
    if (std::find(versions.begin(), versions.end(), kind->version) == versions.end()) {
      versions.push_back(kind->version);
    }
  }
  return out;
}

}  // namespace roadstead::objects
