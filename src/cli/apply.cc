// SPDX-License-Identifier: Apache-2.0
#include "cli/apply.h"

#include "base/ascii.h"
#include "kube/object.h"
#include "kube/query.h"

namespace roadstead::cli {

std::string group_path(std::string_view api_version) {
  const bool core = api_version.find('/') == std::string_view::npos;
  return (core ? "/api/" : "/apis/") + std::string(api_version);
}

Result<Applier::Resource> Applier::resource_of(const std::string& api_version,
                                               const std::string& kind) {
  if (!known_.contains(api_version)) {
    TRY(const json::value list, api_.get(group_path(api_version)));
    auto& kinds = known_[api_version];
    const json::value* resources = codec::find(list, {"resources"});
    if (resources != nullptr && resources->is_array()) {
      for (const json::value& one : resources->get_array()) {
        const std::string_view name = codec::string_at(one, {"name"});
        if (name.find('/') == std::string_view::npos) {
          kinds[std::string(codec::string_at(one, {"kind"}))] = {
              std::string(name), codec::bool_at(one, {"namespaced"})};
        }
      }
    }
  }
  const auto& kinds = known_[api_version];
  const auto found = kinds.find(kind);
  if (found == kinds.end()) {
    return Error(ErrorKind::Unsupported, "the cluster knows no " + kind + " of " + api_version +
                                             "; is its Kubernetes older than 1.27?");
  }
  return found->second;
}

Result<std::string> Applier::apply(const json::value& object) {
  const std::string kind(codec::string_at(object, {"kind"}));
  const std::string api_version(codec::string_at(object, {"apiVersion"}));
  const std::string name(kube::name_of(object));
  const std::string shown = ascii::to_lower(kind) + '/' + name;
  TRY(const Resource resource, resource_of(api_version, kind).with_context(shown));
  std::string path = group_path(api_version);
  if (resource.namespaced) {
    path += "/namespaces/" + kube::percent_encode(kube::namespace_of(object));
  }
  path += '/' + resource.plural + '/' + kube::percent_encode(name) +
          "?fieldManager=roadstead&force=true";
  TRY_VOID(api_.patch(path, kApplyPatch, object).with_context(shown));
  return shown;
}

}  // namespace roadstead::cli
