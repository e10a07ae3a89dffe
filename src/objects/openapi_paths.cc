// SPDX-License-Identifier: Apache-2.0
#include "objects/openapi_paths.h"

#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include "base/ascii.h"

namespace roadstead::objects {
namespace {

using Names = std::vector<std::string_view>;

struct ParameterText {
  std::string_view type;
  std::string_view description;
};

const ParameterText& text_of(std::string_view name) {
  static const std::map<std::string_view, ParameterText> kTexts{
      {"allowWatchBookmarks", {"boolean", "Send a bookmark from time to time in a watch."}},
      {"continue", {"string", "The next page of a list."}},
      {"dryRun", {"string", "All: do everything but keep the result."}},
      {"fieldManager", {"string", "Who makes this change."}},
      {"fieldSelector", {"string", "Only objects with these field values."}},
      {"fieldValidation", {"string", "About unknown fields: Ignore, Warn or Strict."}},
      {"force", {"boolean", "In an apply: take fields from those who own them."}},
      {"gracePeriodSeconds", {"integer", "Not used by the kinds of this server."}},
      {"labelSelector", {"string", "Only objects with these labels."}},
      {"limit", {"integer", "At most so many objects in one answer."}},
      {"orphanDependents", {"boolean", "The old form of propagationPolicy."}},
      {"pretty", {"string", "true: with line breaks."}},
      {"propagationPolicy", {"string", "Orphan, Background or Foreground."}},
      {"resourceVersion", {"string", "From which version on."}},
      {"resourceVersionMatch", {"string", "Exact or NotOlderThan."}},
      {"sendInitialEvents", {"boolean", "Begin a watch with what is there."}},
      {"timeoutSeconds", {"integer", "How long a watch may last."}},
      {"watch", {"boolean", "Stream changes instead of a list."}},
  };
  return kTexts.at(name);
}

const Names kListQuery{"allowWatchBookmarks",
                       "continue",
                       "fieldSelector",
                       "labelSelector",
                       "limit",
                       "resourceVersion",
                       "resourceVersionMatch",
                       "sendInitialEvents",
                       "timeoutSeconds",
                       "watch"};
const Names kWriteQuery{"dryRun", "fieldManager", "fieldValidation"};
const Names kPatchQuery{"dryRun", "fieldManager", "fieldValidation", "force"};
const Names kDeleteQuery{"dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"};
const Names kDataTypes{"application/json", "application/yaml"};

struct OperationSpec {
  std::string_view action;  // x-kubernetes-action
  std::string id;           // "listRoadsteadIoV1alpha1Cluster"
  std::string description;
  std::string answer;  // name of a schema
  Names query;
  std::string body;  // name of a schema; "" for none
  std::vector<std::string_view> codes{"200"};
};

std::string capital(std::string_view text) {
  std::string out(text);
  if (!out.empty()) {
    out[0] = static_cast<char>(out[0] >= 'a' && out[0] <= 'z' ? out[0] - 32 : out[0]);
  }
  return out;
}

std::string group_words(const Kind& kind) {
  if (kind.native) {
    return "Core";
  }
  std::string out;
  for (const std::string_view part : ascii::split(kind.group, '.')) {
    out += capital(part);
  }
  return out;
}

class Paths {
 public:
  Paths(json::object& out, const Kind& kind, OpenApiVersion version)
      : out_(out), kind_(kind), version_(version), v3_(version == OpenApiVersion::V3) {}

  void run() {
    const std::string base = kind_.base_path();
    const std::string all = base + "/" + kind_.plural;
    const std::string collection =
        kind_.namespaced ? base + "/namespaces/{namespace}/" + kind_.plural : all;
    add_collection(collection);
    add_item(collection + "/{name}");
    if (kind_.has_status) {
      add_subresource(collection + "/{name}/status", "status", own());
    }
    if (kind_.scale) {
      add_subresource(collection + "/{name}/scale", "scale", std::string(kScalePrefix) + "Scale");
    }
    if (kind_.native) {
      json::object finalize;
      finalize["put"] = operation(replace("finalize", own()));
      finalize["parameters"] = place(true);
      out_[collection + "/{name}/finalize"] = std::move(finalize);
    }
    if (kind_.namespaced) {
      add_everywhere(all);
    }
  }

 private:
  std::string own() const { return schema_name(kind_, kind_.kind); }
  std::string meta(std::string_view name) const {
    return std::string(kMetaPrefix) + std::string(name);
  }
  std::string id(std::string_view verb, std::string_view before = {},
                 std::string_view suffix = {}) const {
    return std::string(verb) + group_words(kind_) + capital(kind_.version) + std::string(before) +
           (kind_.namespaced ? "Namespaced" : "") + kind_.kind + capital(suffix);
  }

  void add_collection(const std::string& path) {
    json::object item;
    item["get"] = operation({"list", id("list"), "list objects of kind " + kind_.kind,
                             schema_name(kind_, kind_.list_kind), kListQuery, ""});
    item["post"] = operation({"post",
                              id("create"),
                              "create a " + kind_.kind,
                              own(),
                              kWriteQuery,
                              own(),
                              {"200", "201", "202"}});
    if (!kind_.native) {
      item["delete"] =
          operation({"deletecollection", id("delete", "Collection"),
                     "delete collection of " + kind_.kind, meta("Status"), kListQuery, ""});
    }
    item["parameters"] = place(false);
    out_[path] = std::move(item);
  }

  void add_item(const std::string& path) {
    add_subresource(path, "", own());
    json::object& item = out_[path].get_object();
    item["delete"] = operation({"delete",
                                id("delete"),
                                "delete a " + kind_.kind,
                                kind_.native ? own() : meta("Status"),
                                kDeleteQuery,
                                meta("DeleteOptions"),
                                {"200", "202"}});
  }

  OperationSpec replace(std::string_view name, const std::string& schema) const {
    return {"put",  id("replace", "", name), "replace" + of(name), schema, kWriteQuery,
            schema, {"200", "201"}};
  }
  // " status of the specified Widget"
  std::string of(std::string_view name) const {
    const std::string what = name.empty() ? "" : " " + std::string(name) + " of";
    return what + " the specified " + kind_.kind;
  }

  void add_subresource(const std::string& path, std::string_view name, const std::string& schema) {
    json::object item;
    item["get"] = operation(
        {"get", id("read", "", name), "read" + of(name), schema, {"resourceVersion"}, ""});
    item["put"] = operation(replace(name, schema));
    const Names& patch_query = name == "scale" ? kWriteQuery : kPatchQuery;
    item["patch"] = operation({"patch", id("patch", "", name), "partially update" + of(name),
                               schema, patch_query, meta("Patch")});
    item["parameters"] = place(true);
    out_[path] = std::move(item);
  }

  // Across namespaces.
  void add_everywhere(const std::string& path) {
    const std::string name =
        "list" + group_words(kind_) + capital(kind_.version) + kind_.kind + "ForAllNamespaces";
    json::object item;
    item["get"] = operation({"list",
                             name,
                             "list objects of kind " + kind_.kind,
                             schema_name(kind_, kind_.list_kind),
                             {},
                             ""});
    json::array parameters;
    for (const std::string_view one : kListQuery) {
      parameters.push_back(query(one));
    }
    parameters.push_back(query("pretty"));
    item["parameters"] = std::move(parameters);
    out_[path] = std::move(item);
  }

  json::object parameter(std::string_view name, std::string_view in, std::string_view type,
                         std::string_view description) const {
    json::object out{{"name", name}, {"in", in}, {"description", description}};
    if (in == "path") {
      out["required"] = true;
    }
    json::object schema{{"type", type}, {"uniqueItems", true}};
    if (v3_) {
      out["schema"] = std::move(schema);
    } else {
      for (auto& [key, value] : schema) {
        out[key] = std::move(value);
      }
    }
    return out;
  }
  json::object query(std::string_view name) const {
    const ParameterText& text = text_of(name);
    return parameter(name, "query", text.type, text.description);
  }
  json::array place(bool named) const {
    json::array out;
    if (named) {
      out.push_back(parameter("name", "path", "string", "name of the " + kind_.kind));
    }
    if (kind_.namespaced) {
      out.push_back(parameter("namespace", "path", "string", "namespace of the object"));
    }
    out.push_back(query("pretty"));
    return out;
  }

  json::object content(const Names& types, const std::string& schema) const {
    json::object out;
    for (const std::string_view type : types) {
      out[type] = json::object{{"schema", schema_reference(version_, schema)}};
    }
    return out;
  }
  Names patch_types(const OperationSpec& spec) const {
    Names out{"application/json-patch+json", "application/merge-patch+json"};
    if (kind_.native) {
      out.push_back("application/strategic-merge-patch+json");
    }
    if (spec.query.back() == "force") {  // a scale is not applied
      out.push_back("application/apply-patch+yaml");
    }
    return out;
  }

  json::object responses(const OperationSpec& spec) const {
    json::object out;
    for (const std::string_view code : spec.codes) {
      const std::string_view said = code == "200" ? "OK" : code == "201" ? "Created" : "Accepted";
      json::object response{{"description", said}};
      if (v3_) {
        response["content"] = content(kDataTypes, spec.answer);
      } else {
        response["schema"] = schema_reference(version_, spec.answer);
      }
      out[code] = std::move(response);
    }
    out["401"] = json::object{{"description", "Unauthorized"}};
    return out;
  }

  json::object operation(const OperationSpec& spec) const {
    json::object out;
    std::string tag = group_words(kind_);
    tag[0] = static_cast<char>(tag[0] + 32);
    out["tags"] = json::array{json::value(tag + "_" + kind_.version)};
    out["description"] = spec.description;
    out["operationId"] = spec.id;
    const bool patches = spec.action == "patch";
    const bool optional = spec.action == "delete";
    json::array parameters;
    if (!spec.body.empty() && !v3_) {
      json::object body{{"name", "body"}, {"in", "body"}};
      body["schema"] = schema_reference(version_, spec.body);
      if (!optional) {
        body["required"] = true;
      }
      parameters.push_back(std::move(body));
    }
    for (const std::string_view name : spec.query) {
      parameters.push_back(query(name));
    }
    if (!parameters.empty()) {
      out["parameters"] = std::move(parameters);
    }
    const Names types = patches ? patch_types(spec) : kDataTypes;
    if (v3_ && !spec.body.empty()) {
      json::object body{{"content", content(types, spec.body)}};
      if (!optional) {
        body["required"] = true;
      }
      out["requestBody"] = std::move(body);
    }
    if (!v3_) {
      out["consumes"] = json::array(types.begin(), types.end());
      out["produces"] = json::array(kDataTypes.begin(), kDataTypes.end());
      out["schemes"] = json::array{"https"};
    }
    out["responses"] = responses(spec);
    out["x-kubernetes-action"] = spec.action;
    out["x-kubernetes-group-version-kind"] =
        json::object{{"group", kind_.group}, {"kind", kind_.kind}, {"version", kind_.version}};
    return out;
  }

  json::object& out_;
  const Kind& kind_;
  OpenApiVersion version_;
  bool v3_;
};

}  // namespace

void add_paths(json::object& paths, const Kind& kind, OpenApiVersion version) {
  Paths(paths, kind, version).run();
}

}  // namespace roadstead::objects
