// SPDX-License-Identifier: Apache-2.0
#include "objects/discovery.h"

#include <algorithm>
#include <array>

#include "codec/base64.h"
#include "crypto/digest.h"
#include "objects/namespaces.h"

namespace roadstead::objects {
namespace {

// In the API server's order.
constexpr std::array<std::string_view, 8> kVerbs{"delete", "deletecollection", "get",    "list",
                                                 "patch",  "create",           "update", "watch"};
constexpr std::array<std::string_view, 3> kStatusVerbs{"get", "patch", "update"};

json::array texts(const auto& list) {
  json::array out;
  for (const auto& one : list) {
    out.push_back(json::value(one));
  }
  return out;
}

json::object group_version(const std::string& group, const std::string& version) {
  return {{"groupVersion", group.empty() ? version : group + "/" + version}, {"version", version}};
}

json::object group_object(const std::string& name, const std::vector<std::string>& versions) {
  json::object out;
  out["name"] = name;
  json::array list;
  for (const std::string& version : versions) {
    list.push_back(group_version(name, version));
  }
  out["versions"] = std::move(list);
  out["preferredVersion"] = group_version(name, versions.front());
  return out;
}

// Changes when the storage form of the kind does; the API server's formula.
std::string storage_hash(const Kind& kind) {
  const auto digest = crypto::sha256(kind.group + "/" + kind.version + "/" + kind.kind);
  return codec::base64_encode(
      std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()).substr(0, 8));
}

// Namespaces cannot be deleted as a collection; Kubernetes sorts the verbs of its own kinds.
json::array verbs_of(const Kind& kind) {
  json::array out = texts(kVerbs);
  if (kind.native) {
    out = {"create", "delete", "get", "list", "patch", "update", "watch"};
  }
  return out;
}

json::object resource_object(const Kind& kind) {
  json::object out;
  out["name"] = kind.plural;
  out["singularName"] = kind.singular;
  out["namespaced"] = kind.namespaced;
  out["kind"] = kind.kind;
  out["verbs"] = verbs_of(kind);
  if (!kind.short_names.empty()) {
    out["shortNames"] = texts(kind.short_names);
  }
  if (!kind.categories.empty()) {
    out["categories"] = texts(kind.categories);
  }
  out["storageVersionHash"] = storage_hash(kind);
  return out;
}

json::object subresource_object(const Kind& kind, std::string_view name, std::string_view served,
                                json::array verbs) {
  json::object out;
  out["name"] = kind.plural + "/" + std::string(name);
  out["singularName"] = "";
  out["namespaced"] = kind.namespaced;
  out["kind"] = served;
  out["verbs"] = std::move(verbs);
  return out;
}

json::object response_kind(const Kind& kind, std::string_view name) {
  // Kubernetes leaves the version of its core group empty here.
  return {{"group", kind.group}, {"version", kind.native ? "" : kind.version}, {"kind", name}};
}

std::vector<const Kind*> kinds_of(const KindRegistry& registry, const std::string& group,
                                  const std::string& version) {
  std::vector<const Kind*> out;
  for (const auto& kind : registry.all()) {
    if (kind->group == group && kind->version == version) {
      out.push_back(kind.get());
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Kind* a, const Kind* b) { return a->plural < b->plural; });
  return out;
}

json::object aggregated_resource(const ObjectApi& api, const Kind& kind) {
  json::object out;
  out["resource"] = kind.plural;
  out["responseKind"] = response_kind(kind, kind.kind);
  out["scope"] = kind.namespaced ? "Namespaced" : "Cluster";
  out["singularResource"] = kind.singular;
  out["verbs"] = verbs_of(kind);
  if (!kind.short_names.empty()) {
    out["shortNames"] = texts(kind.short_names);
  }
  if (!kind.categories.empty()) {
    out["categories"] = texts(kind.categories);
  }
  json::array subresources;
  if (kind.native) {
    subresources.push_back(json::object{{"subresource", kFinalizeSubresource},
                                        {"responseKind", response_kind(kind, kind.kind)},
                                        {"verbs", json::array{"update"}}});
  }
  if (kind.has_status) {
    subresources.push_back(json::object{{"subresource", "status"},
                                        {"responseKind", response_kind(kind, kind.kind)},
                                        {"verbs", texts(kStatusVerbs)}});
  }
  if (kind.scale) {
    subresources.push_back(
        json::object{{"subresource", "scale"},
                     {"responseKind",
                      json::object{{"group", "autoscaling"}, {"version", "v1"}, {"kind", "Scale"}}},
                     {"verbs", texts(kStatusVerbs)}});
  }
  for (const auto& entry : api.subresources()) {
    if (entry.plural == kind.plural) {
      subresources.push_back(
          json::object{{"subresource", entry.name},
                       {"responseKind", response_kind(kind, entry.subresource->kind())},
                       {"verbs", texts(entry.subresource->verbs())}});
    }
  }
  if (!subresources.empty()) {
    out["subresources"] = std::move(subresources);
  }
  return out;
}

}  // namespace

json::object Discovery::api_versions() const {
  json::object out;
  out["kind"] = "APIVersions";
  out["versions"] = json::array{"v1"};
  out["serverAddressByClientCIDRs"] = json::array();
  return out;
}

json::object Discovery::group_list() const {
  json::object out;
  out["kind"] = "APIGroupList";
  out["apiVersion"] = "v1";
  json::array groups;
  for (const auto& [name, versions] : api_.kinds().groups()) {
    if (!name.empty()) {
      groups.push_back(group_object(name, versions));
    }
  }
  out["groups"] = std::move(groups);
  return out;
}

std::optional<json::object> Discovery::group(const std::string& name) const {
  const auto groups = api_.kinds().groups();
  const auto found = groups.find(name);
  if (found == groups.end()) {
    return std::nullopt;
  }
  json::object out;
  out["kind"] = "APIGroup";
  out["apiVersion"] = "v1";
  for (auto& [key, value] : group_object(name, found->second)) {
    out[key] = std::move(value);
  }
  return out;
}

std::optional<json::object> Discovery::resources(const std::string& group,
                                                 const std::string& version) const {
  const auto kinds = kinds_of(api_.kinds(), group, version);
  if (kinds.empty()) {
    return std::nullopt;
  }
  json::object out;
  out["kind"] = "APIResourceList";
  if (!group.empty()) {
    out["apiVersion"] = "v1";
  }
  out["groupVersion"] = kinds.front()->api_version();
  json::array list;
  for (const Kind* kind : kinds) {
    list.push_back(resource_object(*kind));
    if (kind->native) {
      list.push_back(
          subresource_object(*kind, kFinalizeSubresource, kind->kind, json::array{"update"}));
    }
    if (kind->has_status) {
      list.push_back(subresource_object(*kind, "status", kind->kind, texts(kStatusVerbs)));
    }
    if (kind->scale) {
      json::object scale = subresource_object(*kind, "scale", "Scale", texts(kStatusVerbs));
      scale["group"] = "autoscaling";
      scale["version"] = "v1";
      list.push_back(std::move(scale));
    }
    for (const auto& entry : api_.subresources()) {
      if (entry.plural == kind->plural) {
        list.push_back(subresource_object(*kind, entry.name, entry.subresource->kind(),
                                          texts(entry.subresource->verbs())));
      }
    }
  }
  out["resources"] = std::move(list);
  return out;
}

json::object Discovery::aggregated(bool core) const {
  json::object out;
  out["kind"] = "APIGroupDiscoveryList";
  out["apiVersion"] = "apidiscovery.k8s.io/v2";
  out["metadata"] = json::object();
  json::array items;
  for (const auto& [name, versions] : api_.kinds().groups()) {
    if (name.empty() != core) {
      continue;
    }
    json::array version_list;
    for (const std::string& version : versions) {
      json::array resources;
      for (const Kind* kind : kinds_of(api_.kinds(), name, version)) {
        resources.push_back(aggregated_resource(api_, *kind));
      }
      version_list.push_back(json::object{
          {"version", version}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    json::object metadata;
    if (!core) {
      metadata["name"] = name;
    }
    items.push_back(
        json::object{{"metadata", std::move(metadata)}, {"versions", std::move(version_list)}});
  }
  out["items"] = std::move(items);
  return out;
}

json::object version_document(const std::string& hub_version) {
  // The Kubernetes version is the one whose API this server follows; clients compare it with
  // theirs.
  json::object out;
  out["major"] = "1";
  out["minor"] = "36";
  out["gitVersion"] = "v1.36.0+roadstead-" + hub_version;
  out["gitCommit"] = "";
  out["gitTreeState"] = "clean";
  out["buildDate"] = "1970-01-01T00:00:00Z";
  out["goVersion"] = "";
  out["compiler"] = "clang";
  out["platform"] = "linux/amd64";
  return out;
}

}  // namespace roadstead::objects
