// SPDX-License-Identifier: Apache-2.0
#include "objects/openapi.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "crypto/digest.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kMetaPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1.";
constexpr std::string_view kApiVersionText =
    "APIVersion names the group and version of this representation of an object.";
constexpr std::string_view kKindText = "Kind names the type of this object, in CamelCase.";

json::object text_schema(std::string_view description, std::string_view format = {}) {
  json::object out{{"description", description}, {"type", "string"}};
  if (!format.empty()) {
    out["format"] = format;
  }
  return out;
}

json::object number_schema(std::string_view description) {
  return {{"description", description}, {"type", "integer"}, {"format", "int64"}};
}

json::object map_schema(std::string_view description) {
  return {{"description", description},
          {"type", "object"},
          {"additionalProperties", json::object{{"type", "string"}}}};
}

json::object owner_reference() {
  json::object properties;
  properties["apiVersion"] = text_schema("API version of the owner.");
  properties["kind"] = text_schema("Kind of the owner.");
  properties["name"] = text_schema("Name of the owner.");
  properties["uid"] = text_schema("UID of the owner.");
  properties["controller"] = json::object{
      {"description", "True when the owner is the managing controller."}, {"type", "boolean"}};
  properties["blockOwnerDeletion"] =
      json::object{{"description", "True when the owner cannot be deleted before this object."},
                   {"type", "boolean"}};
  return {{"description", "OwnerReference names an object that this one belongs to."},
          {"type", "object"},
          {"required", json::array{"apiVersion", "kind", "name", "uid"}},
          {"properties", std::move(properties)}};
}

json::object object_meta() {
  json::object p;
  p["annotations"] = map_schema("Free text by key, for tools and people. Not searched.");
  p["creationTimestamp"] =
      text_schema("When the object was created. Set by the server.", "date-time");
  p["deletionGracePeriodSeconds"] = number_schema("Seconds until deletion. Set by the server.");
  p["deletionTimestamp"] = text_schema(
      "When deletion was asked for. The object goes when its finalizers are gone.", "date-time");
  p["finalizers"] =
      json::object{{"description", "Who must still do something before the object may go."},
                   {"type", "array"},
                   {"items", json::object{{"type", "string"}}},
                   {"x-kubernetes-list-type", "set"}};
  p["generateName"] =
      text_schema("A prefix that the server completes to a name, when no name is given.");
  p["generation"] =
      number_schema("Grows with each change of the specification. Set by the server.");
  p["labels"] = map_schema("Keys and values by which objects are selected.");
  p["name"] = text_schema("The name, unique among objects of the kind. Cannot be changed.");
  p["namespace"] = text_schema("The namespace, for kinds that have one. Cannot be changed.");
  p["ownerReferences"] = json::object{{"description", "Objects that this one belongs to."},
                                      {"type", "array"},
                                      {"items", owner_reference()},
                                      {"x-kubernetes-list-type", "map"},
                                      {"x-kubernetes-list-map-keys", json::array{"uid"}}};
  p["resourceVersion"] =
      text_schema("The version of the object, to be sent back unread when it is changed.");
  p["uid"] = text_schema("Tells objects apart that had the same name at different times.");
  return {{"description", "ObjectMeta is what every object has beside its own fields."},
          {"type", "object"},
          {"properties", std::move(p)}};
}

json::object list_meta() {
  json::object p;
  p["continue"] = text_schema("Ask again with this to get the next page.");
  p["remainingItemCount"] = number_schema("How many objects follow.");
  p["resourceVersion"] = text_schema("The version of the list, from which a watch can start.");
  return {{"description", "ListMeta is what every list has beside its items."},
          {"type", "object"},
          {"properties", std::move(p)}};
}

// "roadstead.io" + "v1alpha1" + "Cluster" -> "io.roadstead.v1alpha1.Cluster".
std::string schema_name(const Kind& kind, std::string_view name) {
  if (kind.native) {
    return "io.k8s.api.core." + kind.version + "." + std::string(name);
  }
  auto parts = ascii::split(kind.group, '.');
  std::reverse(parts.begin(), parts.end());
  std::string out;
  for (const std::string_view part : parts) {
    out.append(part).append(".");
  }
  return out + kind.version + "." + std::string(name);
}

json::object gvk(const Kind& kind, std::string_view name) {
  return {{"group", kind.group}, {"kind", name}, {"version", kind.version}};
}

json::object reference(const std::string& base, std::string_view name) {
  return {{"$ref", base + std::string(name)}};
}

// A reference with a description: v2 ignores siblings of $ref, v3 wants allOf.
json::object described(const std::string& base, std::string_view name, std::string_view text,
                       bool v3) {
  if (!v3) {
    return {{"description", text}, {"$ref", base + std::string(name)}};
  }
  return {{"description", text},
          {"allOf", json::array{reference(base, name)}},
          {"default", json::object()}};
}

void add_definitions(json::object& into, const Kind& kind, const std::string& base, bool v3) {
  json::object own = kind.schema_source.get_object();
  json::object properties;
  if (const json::value* declared = own.if_contains("properties")) {
    properties = declared->get_object();
  }
  properties["apiVersion"] = text_schema(kApiVersionText);
  properties["kind"] = text_schema(kKindText);
  properties["metadata"] = described(base, std::string(kMetaPrefix) + "ObjectMeta",
                                     "What every object has: name, labels, versions.", v3);
  own["properties"] = std::move(properties);
  own["x-kubernetes-group-version-kind"] = json::array{gvk(kind, kind.kind)};
  into[schema_name(kind, kind.kind)] = std::move(own);

  json::object list_properties;
  list_properties["apiVersion"] = text_schema(kApiVersionText);
  list_properties["items"] = json::object{{"description", "The objects."},
                                          {"type", "array"},
                                          {"items", reference(base, schema_name(kind, kind.kind))}};
  list_properties["kind"] = text_schema(kKindText);
  list_properties["metadata"] = described(base, std::string(kMetaPrefix) + "ListMeta",
                                          "What every list has: version, next page.", v3);
  into[schema_name(kind, kind.list_kind)] =
      json::object{{"description", kind.list_kind + " is a list of " + kind.kind},
                   {"type", "object"},
                   {"required", json::array{"items"}},
                   {"properties", std::move(list_properties)},
                   {"x-kubernetes-group-version-kind", json::array{gvk(kind, kind.list_kind)}}};
}

json::object definitions(const std::vector<const Kind*>& kinds, const std::string& base, bool v3) {
  json::object out;
  out[std::string(kMetaPrefix) + "ObjectMeta"] = object_meta();
  out[std::string(kMetaPrefix) + "ListMeta"] = list_meta();
  for (const Kind* kind : kinds) {
    add_definitions(out, *kind, base, v3);
  }
  return out;
}

struct QueryParameter {
  std::string_view name;
  std::string_view type;
  std::string_view description;
};

constexpr std::array<QueryParameter, 3> kWriteParameters{{
    {"dryRun", "string", "All: do everything but keep the result."},
    {"fieldManager", "string", "Who makes this change."},
    {"fieldValidation", "string", "What to do about unknown fields: Ignore, Warn or Strict."},
}};
constexpr std::array<QueryParameter, 8> kListParameters{{
    {"labelSelector", "string", "Only objects with these labels."},
    {"fieldSelector", "string", "Only objects with these field values."},
    {"limit", "integer", "At most so many objects in one answer."},
    {"continue", "string", "The next page of a list."},
    {"resourceVersion", "string", "From which version on."},
    {"resourceVersionMatch", "string", "Exact or NotOlderThan."},
    {"watch", "boolean", "Stream changes instead of a list."},
    {"timeoutSeconds", "integer", "How long a watch may last."},
}};

json::object parameter(const QueryParameter& p, bool v3) {
  json::object out{{"name", p.name}, {"in", "query"}, {"description", p.description}};
  if (v3) {
    out["schema"] = json::object{{"type", p.type}, {"uniqueItems", true}};
  } else {
    out["type"] = p.type;
    out["uniqueItems"] = true;
  }
  return out;
}

struct OperationSpec {
  std::string_view method;
  std::string_view action;
  bool list = false;
};

json::object responses(const std::string& schema, const std::string& base, bool v3) {
  json::object ok{{"description", "OK"}};
  if (v3) {
    ok["content"] =
        json::object{{"application/json", json::object{{"schema", reference(base, schema)}}}};
  } else {
    ok["schema"] = reference(base, schema);
  }
  return {{"200", std::move(ok)}, {"401", json::object{{"description", "Unauthorized"}}}};
}

json::object operation(const Kind& kind, const OperationSpec& spec, const std::string& suffix,
                       const std::string& base, bool v3) {
  json::object out;
  out["description"] = std::string(spec.action) + " " + kind.kind;
  std::string id(spec.action);
  out["operationId"] = id + kind.version + kind.kind + suffix;
  json::array parameters;
  if (spec.list) {
    for (const QueryParameter& p : kListParameters) {
      parameters.push_back(parameter(p, v3));
    }
  }
  if (spec.method == "post" || spec.method == "put" || spec.method == "patch") {
    for (const QueryParameter& p : kWriteParameters) {
      parameters.push_back(parameter(p, v3));
    }
  }
  out["parameters"] = std::move(parameters);
  if (v3 && spec.method == "patch") {
    json::object any{{"schema", json::object{{"type", "object"}}}};
    out["requestBody"] =
        json::object{{"required", true},
                     {"content", json::object{{"application/json-patch+json", any},
                                              {"application/merge-patch+json", any}}}};
  }
  out["responses"] = responses(schema_name(kind, spec.list ? kind.list_kind : kind.kind), base, v3);
  out["x-kubernetes-action"] = spec.action;
  out["x-kubernetes-group-version-kind"] = gvk(kind, kind.kind);
  return out;
}

json::object name_parameter(bool v3) {
  json::object out{{"name", "name"}, {"in", "path"}, {"required", true}};
  out["description"] = "name of the object";
  if (v3) {
    out["schema"] = json::object{{"type", "string"}, {"uniqueItems", true}};
  } else {
    out["type"] = "string";
    out["uniqueItems"] = true;
  }
  return out;
}

void add_paths(json::object& into, const Kind& kind, const std::string& base, bool v3) {
  const std::string collection =
      kind.base_path() + (kind.namespaced ? "/namespaces/{namespace}/" : "/") + kind.plural;
  json::object all;
  all["get"] = operation(kind, {"get", "list", true}, "List", base, v3);
  all["post"] = operation(kind, {"post", "post"}, "", base, v3);
  all["delete"] = operation(kind, {"delete", "deletecollection"}, "Collection", base, v3);
  into[collection] = std::move(all);
  const auto item = [&](const std::string& path, const std::string& suffix, bool with_delete) {
    json::object one;
    one["parameters"] = json::array{name_parameter(v3)};
    one["get"] = operation(kind, {"get", "get"}, suffix, base, v3);
    one["put"] = operation(kind, {"put", "put"}, suffix, base, v3);
    one["patch"] = operation(kind, {"patch", "patch"}, suffix, base, v3);
    if (with_delete) {
      one["delete"] = operation(kind, {"delete", "delete"}, suffix, base, v3);
    }
    into[path] = std::move(one);
  };
  item(collection + "/{name}", "", true);
  if (kind.has_status) {
    item(collection + "/{name}/status", "Status", false);
  }
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
    add_paths(paths, *kind, "#/definitions/", false);
  }
  v2["paths"] = std::move(paths);
  v2["definitions"] = definitions(all, "#/definitions/", false);
  v2_ = finish(v2);

  json::object index_paths;
  for (const auto& [path, members] : by_version) {
    json::object v3{{"openapi", "3.0.0"}, {"info", info}};
    json::object v3_paths;
    for (const Kind* kind : members) {
      add_paths(v3_paths, *kind, "#/components/schemas/", true);
    }
    v3["paths"] = std::move(v3_paths);
    v3["components"] =
        json::object{{"schemas", definitions(members, "#/components/schemas/", true)}};
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
