// SPDX-License-Identifier: Apache-2.0
// Kubeconfigs for clusters of the hub, and putting them into a file that holds other people's
// entries: whatever is not ours stays, with its keys in their order. Comments are lost, as with
// kubectl. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace roadstead::cli {

namespace json = codec::json;

struct KubeconfigEntry {
  std::string name;       // of cluster and context: "roadstead-ack"
  std::string user_name;  // of the user entry, shared by the clusters of one hub
  std::string server;
  std::string tls_server_name;
  std::string ca_base64;
  // The exec plug-in.
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
};

// A whole file with this one entry, which is its current context.
json::object new_kubeconfig(const KubeconfigEntry& entry);

// `existing` may be empty. InvalidArgument when it is no kubeconfig; then nothing was changed.
Result<std::string> merge_kubeconfig(std::string_view existing, const KubeconfigEntry& entry,
                                     bool set_current);

// Where kubectl would put a new entry: the first file of $KUBECONFIG that exists, else the last of
// them; ~/.kube/config when the variable is empty.
std::string kubeconfig_to_change(const std::string& variable, const std::string& home,
                                 bool (*exists)(const std::string& path));

}  // namespace roadstead::cli
