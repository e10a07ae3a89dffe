// SPDX-License-Identifier: Apache-2.0
#include "objects/openapi.h"

#include <algorithm>

#include "crypto/digest.h"
#include "objects/openapi_meta.h"
#include "objects/openapi_paths.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kApiVersionText =
    "APIVersion names the group and version of this representation of an object.";
constexpr std::string_view kKindText = "Kind names the type of this object, in CamelCase.";

json::object text_schema(std::string_view description) {
  return {{"description", description}, {"type", "string"}};
}

json::object described(OpenApiVersion version, std::string_view name, std::string_view text) {
  json::object out = wrapped_reference(version, std::string(kMetaPrefix) + std::string(name));
  out["description"] = text;
  return out;
}

bool is_set(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr && *value == json::value(true);
}

// Each schema below this one, changed in place.
template <class Change>
void for_each_schema(json::object& schema, const Change& change) {
  change(schema);
  if (json::value* properties = schema.if_contains("properties")) {
    for (auto& [name, child] : properties->get_object()) {
      for_each_schema(child.get_object(), change);
    }
  }
  for (const char* key : {"items", "additionalProperties"}) {
    json::value* child = schema.if_contains(key);
    if (child != nullptr && child->is_object()) {
      for_each_schema(child->get_object(), change);
    }
  }
}

// v3 says what int-or-string means.
void publish_v3(json::object& schema) {
  if (is_set(schema, "x-kubernetes-int-or-string") && !schema.contains("anyOf")) {
    schema["anyOf"] =
        json::array{json::object{{"type", "integer"}}, json::object{{"type", "string"}}};
  }
}

// v2 cannot say everything, and kubectl stumbles over some of it (apiextensions-apiserver/pkg/
// controller/openapi/v2).
void publish_v2(json::object& schema) {
  for (const char* key : {"allOf", "anyOf", "oneOf", "not", "default"}) {
    schema.erase(key);
  }
  const bool nullable = is_set(schema, "nullable");
  if (json::value* properties = schema.if_contains("properties")) {
    json::value* required = schema.if_contains("required");
    for (const auto& [name, child] : properties->get_object()) {
      if (required != nullptr && is_set(child.get_object(), "nullable")) {
        json::array& names = required->get_array();
        names.erase(std::remove(names.begin(), names.end(), json::value(name)), names.end());
      }
    }
  }
  if (nullable) {
    schema.erase("type");
    schema.erase("nullable");
  }
  if (nullable || is_set(schema, "x-kubernetes-preserve-unknown-fields")) {
    schema.erase("items");
    schema.erase("properties");
  }
  if (is_set(schema, "x-kubernetes-preserve-unknown-fields")) {
    schema.erase("type");
  }
}

json::array selectable_fields(const Kind& kind) {
  json::array out;
  for (const SelectableField& field : kind.selectable) {
    out.push_back(json::object{{"fieldPath", field.name}});
  }
  return out;
}

void name_type(json::object& schema, const Kind& kind, std::string_view name) {
  schema["x-kubernetes-group-version-kind"] =
      json::array{json::object{{"group", kind.group}, {"kind", name}, {"version", kind.version}}};
  if (!kind.selectable.empty() && !kind.native) {
    schema["x-kubernetes-selectable-fields"] = selectable_fields(kind);
  }
}

void add_schemas(json::object& into, const Kind& kind, OpenApiVersion version) {
  json::object own = kind.schema_source.get_object();
  for_each_schema(own, version == OpenApiVersion::V3 ? publish_v3 : publish_v2);
  json::object& properties = own["properties"].is_object() ? own["properties"].get_object()
                                                           : own["properties"].emplace_object();
  properties["apiVersion"] = text_schema(kApiVersionText);
  properties["kind"] = text_schema(kKindText);
  properties["metadata"] =
      described(version, "ObjectMeta", "What every object has: name, labels, versions.");
  name_type(own, kind, kind.kind);
  const std::string name = schema_name(kind, kind.kind);
  into[name] = std::move(own);

  json::object list_properties;
  list_properties["apiVersion"] = text_schema(kApiVersionText);
  list_properties["items"] = json::object{{"description", "The objects."},
                                          {"type", "array"},
                                          {"items", schema_reference(version, name)}};
  list_properties["kind"] = text_schema(kKindText);
  list_properties["metadata"] =
      described(version, "ListMeta", "What every list has: version, next page.");
  json::object list{{"description", kind.list_kind + " is a list of " + kind.kind},
                    {"type", "object"},
                    {"required", json::array{"items"}},
                    {"properties", std::move(list_properties)}};
  name_type(list, kind, kind.list_kind);
  into[schema_name(kind, kind.list_kind)] = std::move(list);
}

json::object schemas_of(const std::vector<const Kind*>& kinds, OpenApiVersion version) {
  json::object out;
  add_meta_schemas(out, version, kinds);
  for (const Kind* kind : kinds) {
    add_schemas(out, *kind, version);
  }
  return out;
}

OpenApi::Document finish(const json::object& document) {
  OpenApi::Document out;
  out.body = codec::write_json(document);
  out.hash = crypto::sha256_hex(out.body);
  std::transform(out.hash.begin(), out.hash.end(), out.hash.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  return out;
}

}  // namespace

OpenApi::OpenApi(const KindRegistry& kinds) {
  std::vector<const Kind*> all;
  std::map<std::string, std::vector<const Kind*>> by_version;
  for (const auto& kind : kinds.all()) {
    all.push_back(kind.get());
    by_version[kind->base_path().substr(1)].push_back(kind.get());
  }
  const json::object info{{"title", "Roadstead"}, {"version", "v1alpha1"}};

  json::object v2{{"swagger", "2.0"}, {"info", info}};
  json::object paths;
  for (const Kind* kind : all) {
    add_paths(paths, *kind, OpenApiVersion::V2);
  }
  v2["paths"] = std::move(paths);
  v2["definitions"] = schemas_of(all, OpenApiVersion::V2);
  v2_ = finish(v2);

  json::object index_paths;
  for (const auto& [path, members] : by_version) {
    json::object v3{{"openapi", "3.0.0"}, {"info", info}};
    json::object v3_paths;
    for (const Kind* kind : members) {
      add_paths(v3_paths, *kind, OpenApiVersion::V3);
    }
    v3["paths"] = std::move(v3_paths);
    v3["components"] = json::object{{"schemas", schemas_of(members, OpenApiVersion::V3)}};
    Document document = finish(v3);
    index_paths[path] =
        json::object{{"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + document.hash}};
    v3_.emplace(path, std::move(document));
  }
  index_ = finish(json::object{{"paths", std::move(index_paths)}});
}

const OpenApi::Document* OpenApi::v3(std::string_view path) const {
  const auto found = v3_.find(path);
  return found == v3_.end() ? nullptr : &found->second;
}

}  // namespace roadstead::objects
