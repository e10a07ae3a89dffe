// SPDX-License-Identifier: Apache-2.0
// How the Agent reaches the member's API server and proves itself to it. Plain value, made once at
// start from the service account or from a kubeconfig.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "net/socket.h"
#include "net/tls_context.h"

namespace roadstead::agent {

struct ApiServerAccess {
  net::HostPort address;
  std::string server_name;  // what its certificate must be for
  std::string base_path;    // put before every path; "" or "/k8s/clusters/x"
  std::string roots_pem;
  std::optional<net::TlsIdentity> identity;  // client certificate
  std::string token_file;                    // read again when it changes
  Secret token;                              // when there is no file
  std::string origin;                        // where this comes from, for messages

  // SHA-256 over the CA certificates, the same for every Agent of the cluster whatever the order.
  Result<std::string> ca_fingerprint() const;
};

inline constexpr std::string_view kServiceAccountDirectory =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// Reads files; blocks. `host` and `port` are KUBERNETES_SERVICE_HOST and _PORT.
Result<ApiServerAccess> in_cluster_access(const std::string& host, const std::string& port,
                                          const std::string& directory);

using FileReader = std::function<Result<std::string>(const std::string& path)>;

// A kubeconfig's content. Relative paths in it count from `directory`. What would weaken
// verification or start programs (insecure-skip-tls-verify, exec, auth-provider) is refused; the
// error names the field.
Result<ApiServerAccess> kubeconfig_access(std::string_view text, const std::string& context,
                                          const std::string& path, const FileReader& read);

struct AgentSettings;
// As the settings say. Blocks.
Result<ApiServerAccess> read_access(const AgentSettings& settings);

}  // namespace roadstead::agent
