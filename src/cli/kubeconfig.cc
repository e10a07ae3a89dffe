// SPDX-License-Identifier: Apache-2.0
#include "cli/kubeconfig.h"

#include <algorithm>

#include "base/ascii.h"
#include "codec/yaml.h"

namespace roadstead::cli {
namespace {

json::object cluster_part(const KubeconfigEntry& entry) {
  json::object cluster{{"server", entry.server}};
  if (!entry.tls_server_name.empty()) {
    cluster["tls-server-name"] = entry.tls_server_name;
  }
  if (!entry.ca_base64.empty()) {
    cluster["certificate-authority-data"] = entry.ca_base64;
  }
  return cluster;
}

json::object user_part(const KubeconfigEntry& entry) {
  json::array arguments;
  for (const std::string& argument : entry.arguments) {
    arguments.emplace_back(argument);
  }
  json::object exec{{"apiVersion", "client.authentication.k8s.io/v1"},
                    {"command", entry.command},
                    {"args", std::move(arguments)}};
  if (!entry.environment.empty()) {
    json::array variables;
    for (const auto& [name, value] : entry.environment) {
      variables.push_back({{"name", name}, {"value", value}});
    }
    exec["env"] = std::move(variables);
  }
  exec["installHint"] = "The program \"roadstead\" is missing; get it where you got the hub.";
  exec["interactiveMode"] = "Never";
  exec["provideClusterInfo"] = false;
  return {{"exec", std::move(exec)}};
}

// Puts the entry into a list of a kubeconfig, in the place of one of that name.
Result<void> put(json::object& root, std::string_view list_name, const std::string& name,
                 std::string_view part_name, json::object part) {
  json::value& list = root[list_name];
  if (list.is_null()) {
    list.emplace_array();
  }
  if (!list.is_array()) {
    return Error(ErrorKind::InvalidArgument, std::string(list_name) + " is no list");
  }
  for (json::value& entry : list.get_array()) {
    if (codec::string_at(entry, {"name"}) == name) {
      entry.as_object()[part_name] = std::move(part);
      return {};
    }
  }
  list.get_array().push_back({{"name", name}, {part_name, std::move(part)}});
  return {};
}

Result<void> put_all(json::object& root, const KubeconfigEntry& entry) {
  TRY_VOID(put(root, "clusters", entry.name, "cluster", cluster_part(entry)));
  TRY_VOID(put(root, "users", entry.user_name, "user", user_part(entry)));
  // A namespace that the person chose for the context stays.
  json::object context{{"cluster", entry.name}, {"user", entry.user_name}};
  if (const json::value* list = root.if_contains("contexts"); list != nullptr && list->is_array()) {
    for (const json::value& old : list->get_array()) {
      const std::string_view chosen = codec::string_at(old, {"context", "namespace"});
      if (codec::string_at(old, {"name"}) == entry.name && !chosen.empty()) {
        context["namespace"] = chosen;
      }
    }
  }
  return put(root, "contexts", entry.name, "context", std::move(context));
}

}  // namespace

json::object new_kubeconfig(const KubeconfigEntry& entry) {
  json::object root{{"apiVersion", "v1"}, {"kind", "Config"}};
  const auto done = put_all(root, entry);
  CHECK(done.ok(), "a new kubeconfig is well formed");
  root["current-context"] = entry.name;
  return root;
}

Result<std::string> merge_kubeconfig(std::string_view existing, const KubeconfigEntry& entry,
                                     bool set_current) {
  TRY(std::vector<json::value> documents, codec::parse_yaml(existing));
  json::object root;
  if (documents.size() > 1 ||
      (documents.size() == 1 &&
       (!documents.front().is_object() ||
        codec::string_at(documents.front(), {"kind"}, "Config") != "Config"))) {
    return Error(ErrorKind::InvalidArgument,
                 "is no kubeconfig (kind: Config); give another file with --file");
  }
  if (documents.size() == 1) {
    root = std::move(documents.front().as_object());
  } else {
    root = {{"apiVersion", "v1"}, {"kind", "Config"}};
  }
  TRY_VOID(put_all(root, entry));
  if (set_current) {
    root["current-context"] = entry.name;
  }
  return codec::write_yaml(root);
}

std::string kubeconfig_to_change(const std::string& variable, const std::string& home,
                                 bool (*exists)(const std::string& path)) {
  std::string last;
  for (const std::string_view part : ascii::split(variable, ':')) {
    if (part.empty()) {
      continue;
    }
    last = part;
    if (exists(last)) {
      return last;
    }
  }
  return last.empty() ? home + "/.kube/config" : last;
}

}  // namespace roadstead::cli
