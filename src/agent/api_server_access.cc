// SPDX-License-Identifier: Apache-2.0
#include "agent/api_server_access.h"

#include <algorithm>

#include "agent/files.h"
#include "agent/settings.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"

namespace roadstead::agent {

Result<std::string> ApiServerAccess::ca_fingerprint() const {
  TRY(const std::vector<crypto::Certificate> roots,
      crypto::Certificate::chain_from_pem(roots_pem, 1000));
  std::vector<std::string> prints;
  prints.reserve(roots.size());
  for (const crypto::Certificate& root : roots) {
    prints.push_back(root.fingerprint());
  }
  std::sort(prints.begin(), prints.end());
  prints.erase(std::unique(prints.begin(), prints.end()), prints.end());
  if (prints.size() == 1) {
    return prints.front();
  }
  std::string all;
  for (const std::string& print : prints) {
    all.append(print).append("\n");
  }
  return crypto::sha256_hex(all);
}

Result<ApiServerAccess> in_cluster_access(const std::string& host, const std::string& port,
                                          const std::string& directory) {
  if (host.empty() || port.empty()) {
    return Error(ErrorKind::InvalidArgument,
                 "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod "
                 "of a cluster; outside of one, give --kubeconfig FILE and --state-dir DIR");
  }
  ApiServerAccess access;
  access.address = {host, port};
  access.server_name = host;
  access.origin = "service account";
  access.token_file = directory + "/token";
  auto roots = read_file(directory + "/ca.crt", 4 << 20);
  if (!roots.ok()) {
    return Error(ErrorKind::InvalidArgument,
                 "the CA of the API server: " + roots.error().message() +
                     "; the pod needs automountServiceAccountToken");
  }
  access.roots_pem = std::move(*roots);
  TRY_VOID(read_file(access.token_file)
               .with_context("the service account's token; the pod needs "
                             "automountServiceAccountToken"));
  return access;
}

Result<ApiServerAccess> read_access(const AgentSettings& settings) {
  if (settings.in_cluster) {
    return in_cluster_access(settings.service_host, settings.service_port,
                             settings.service_account_dir);
  }
  TRY(const std::string text, read_file(settings.kubeconfig).with_context("--kubeconfig"));
  return kubeconfig_access(text, settings.context, settings.kubeconfig,
                           [](const std::string& path) { return read_file(path, 4 << 20); });
}

}  // namespace roadstead::agent
