// SPDX-License-Identifier: Apache-2.0
#include "objects/openapi_meta.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace roadstead::objects {
namespace {

struct Property {
  std::string_view name;
  json::object schema;
};

class MetaSchemas {
 public:
  MetaSchemas(json::object& out, OpenApiVersion version) : out_(out), version_(version) {}

  void add_metadata() {
    add("Time", json::object{{"description", "A moment, in RFC 3339."},
                             {"type", "string"},
                             {"format", "date-time"}});
    add("FieldsV1",
        json::object{{"description", "Fields, as a tree of their names."}, {"type", "object"}});
    add("ManagedFieldsEntry", object("Which fields a manager owns.",
                                     {{"apiVersion", text("The version the fields are of.")},
                                      {"fieldsType", text("FieldsV1.")},
                                      {"fieldsV1", part("FieldsV1", "The fields.")},
                                      {"manager", text("Who owns them.")},
                                      {"operation", text("Apply or Update.")},
                                      {"subresource", text("Through which they were written.")},
                                      {"time", part("Time", "When.")}}));
    json::object owner = object(
        "OwnerReference names an object that this one belongs to.",
        {{"apiVersion", given("API version of the owner.")},
         {"kind", given("Kind of the owner.")},
         {"name", given("Name of the owner.")},
         {"uid", given("UID of the owner.")},
         {"controller", flag("True when the owner is the managing controller.")},
         {"blockOwnerDeletion",
          flag("True when the owner cannot be deleted in the foreground before this object.")}});
    owner["required"] = json::array{"apiVersion", "kind", "name", "uid"};
    owner["x-kubernetes-map-type"] = "atomic";
    add("OwnerReference", std::move(owner));
    add("ObjectMeta", object_meta());
    add("ListMeta", object("ListMeta is what every list has beside its items.",
                           {{"continue", text("Ask again with this to get the next page.")},
                            {"remainingItemCount", number("How many objects follow.", "int64")},
                            {"resourceVersion", text("From which a watch can start.")},
                            {"selfLink", text("Not used any more.")}}));
  }

  void add_answers(const std::vector<const Kind*>& kinds) {
    add("Patch", json::object{{"description", "A patch, by the type of the request's body."},
                              {"type", "object"}});
    add("Preconditions", object("What must hold for a deletion.",
                                {{"resourceVersion", text("The version of the object.")},
                                 {"uid", text("The UID of the object.")}}));
    json::object options = object(
        "DeleteOptions says how to delete.",
        {{"apiVersion", text("The version of this form.")},
         {"kind", text("DeleteOptions.")},
         {"dryRun", list(given("All."), "atomic", "All: do everything but keep the result.")},
         {"gracePeriodSeconds", number("Not used by the kinds of this server.", "int64")},
         {"orphanDependents", flag("The old form of propagationPolicy.")},
         {"preconditions", part("Preconditions", "What must hold.")},
         {"propagationPolicy", text("Orphan, Background or Foreground.")}});
    std::set<std::pair<std::string, std::string>> versions{{"", "v1"}};
    for (const Kind* kind : kinds) {
      versions.emplace(kind->group, kind->version);
    }
    json::array types;
    for (const auto& [group, version] : versions) {
      types.push_back(type(group, version, "DeleteOptions"));
    }
    options["x-kubernetes-group-version-kind"] = std::move(types);
    add("DeleteOptions", std::move(options));
    add("StatusCause", object("One reason of a failure.", {{"field", text("The field.")},
                                                           {"message", text("For people.")},
                                                           {"reason", text("For programs.")}}));
    add("StatusDetails", object("What a Status is about.",
                                {{"causes", list(item("StatusCause"), "atomic", "The reasons.")},
                                 {"group", text("The group of the kind.")},
                                 {"kind", text("The kind or the resource.")},
                                 {"name", text("The name of the object.")},
                                 {"retryAfterSeconds", number("When to try again.", "int32")},
                                 {"uid", text("The UID of the object.")}}));
    json::object status = object("Status is an answer that is no object.",
                                 {{"apiVersion", text("The version of this form.")},
                                  {"kind", text("Status.")},
                                  {"code", number("The HTTP status.", "int32")},
                                  {"details", part("StatusDetails", "What it is about.")},
                                  {"message", text("What happened, for people.")},
                                  {"metadata", item("ListMeta")},
                                  {"reason", text("What happened, for programs.")},
                                  {"status", text("Success or Failure.")}});
    status["x-kubernetes-group-version-kind"] = json::array{type("", "v1", "Status")};
    add("Status", std::move(status));
  }

  void add_scale() {
    json::object replicas = number("How many.", "int32");
    replicas["default"] = 0;
    const std::string scale(kScalePrefix);
    out_[scale + "ScaleSpec"] = object("How many are wanted.", {{"replicas", replicas}});
    json::object status = object("How many there are.",
                                 {{"replicas", replicas}, {"selector", text("Which they are.")}});
    status["required"] = json::array{"replicas"};
    out_[scale + "ScaleStatus"] = std::move(status);
    const auto filled = [&](const std::string& name) {
      json::object out = wrapped_reference(version_, name);
      out["default"] = json::object();
      return out;
    };
    json::object whole = object("Scale is the number of something.",
                                {{"apiVersion", text("The version of this form.")},
                                 {"kind", text("Scale.")},
                                 {"metadata", filled(std::string(kMetaPrefix) + "ObjectMeta")},
                                 {"spec", filled(scale + "ScaleSpec")},
                                 {"status", filled(scale + "ScaleStatus")}});
    whole["x-kubernetes-group-version-kind"] = json::array{type("autoscaling", "v1", "Scale")};
    out_[scale + "Scale"] = std::move(whole);
  }

 private:
  void add(std::string_view name, json::object schema) {
    out_[std::string(kMetaPrefix) + std::string(name)] = std::move(schema);
  }
  static json::object type(std::string_view group, std::string_view version,
                           std::string_view kind) {
    return {{"group", group}, {"kind", kind}, {"version", version}};
  }
  static json::object text(std::string_view description) {
    return {{"description", description}, {"type", "string"}};
  }
  // A text that Go writes even when it is empty.
  static json::object given(std::string_view description) {
    return {{"description", description}, {"type", "string"}, {"default", ""}};
  }
  static json::object flag(std::string_view description) {
    return {{"description", description}, {"type", "boolean"}};
  }
  static json::object number(std::string_view description, std::string_view format) {
    return {{"description", description}, {"type", "integer"}, {"format", format}};
  }
  static json::object texts(std::string_view description) {
    return {{"description", description},
            {"type", "object"},
            {"additionalProperties", json::object{{"type", "string"}, {"default", ""}}}};
  }
  json::object part(std::string_view name, std::string_view description) const {
    json::object out = wrapped_reference(version_, std::string(kMetaPrefix) + std::string(name));
    out["description"] = description;
    return out;
  }
  json::object item(std::string_view name) const {
    json::object out = wrapped_reference(version_, std::string(kMetaPrefix) + std::string(name));
    out["default"] = json::object();
    return out;
  }
  static json::object list(json::object items, std::string_view kind,
                           std::string_view description) {
    items.erase("description");
    return {{"description", description},
            {"type", "array"},
            {"items", std::move(items)},
            {"x-kubernetes-list-type", kind}};
  }
  static json::object object(std::string_view description, std::vector<Property> properties) {
    json::object fields;
    for (Property& property : properties) {
      fields[property.name] = std::move(property.schema);
    }
    return {{"description", description}, {"type", "object"}, {"properties", std::move(fields)}};
  }

  json::object object_meta() const {
    json::object finalizers =
        list(given(""), "set", "Who must still do something before the object may go.");
    finalizers["x-kubernetes-patch-strategy"] = "merge";
    json::object owners = list(item("OwnerReference"), "map", "Objects that this one belongs to.");
    owners["x-kubernetes-list-map-keys"] = json::array{"uid"};
    owners["x-kubernetes-patch-merge-key"] = "uid";
    owners["x-kubernetes-patch-strategy"] = "merge";
    return object(
        "ObjectMeta is what every object has beside its own fields.",
        {{"annotations", texts("Free text by key, for tools and people. Not searched.")},
         {"creationTimestamp", part("Time", "When the object was created. Set by the server.")},
         {"deletionGracePeriodSeconds",
          number("Seconds until deletion. Set by the server.", "int64")},
         {"deletionTimestamp", part("Time",
                                    "When deletion was asked for. The object goes when its "
                                    "finalizers are gone.")},
         {"finalizers", std::move(finalizers)},
         {"generateName",
          text("A prefix that the server completes to a name, when no name is given.")},
         {"generation",
          number("Grows with each change of the specification. Set by the server.", "int64")},
         {"labels", texts("Keys and values by which objects are selected.")},
         {"managedFields", list(item("ManagedFieldsEntry"), "atomic", "Who owns which fields.")},
         {"name", text("The name, unique among objects of the kind. Cannot be changed.")},
         {"namespace", text("The namespace, for kinds that have one. Cannot be changed.")},
         {"ownerReferences", std::move(owners)},
         {"resourceVersion",
          text("The version of the object, to be sent back unread when it is changed.")},
         {"selfLink", text("Not used any more.")},
         {"uid", text("Tells objects apart that had the same name at different times.")}});
  }

  json::object& out_;
  OpenApiVersion version_;
};

// v2 has none.
void drop_defaults(json::object& schema) {
  if (const json::value* value = schema.if_contains("default"); value != nullptr) {
    schema.erase("default");
  }
  for (auto& [name, value] : schema) {
    if (json::object* inner = value.if_object()) {
      drop_defaults(*inner);
    }
  }
}

}  // namespace

void add_meta_schemas(json::object& schemas, OpenApiVersion version,
                      const std::vector<const Kind*>& kinds) {
  MetaSchemas out(schemas, version);
  out.add_metadata();
  out.add_answers(kinds);
  if (std::any_of(kinds.begin(), kinds.end(), [](const Kind* k) { return k->scale.has_value(); })) {
    out.add_scale();
  }
  if (version == OpenApiVersion::V2) {
    drop_defaults(schemas);
  }
}

}  // namespace roadstead::objects
