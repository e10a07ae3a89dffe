// SPDX-License-Identifier: Apache-2.0
// Where a request on the user port goes. The SNI alone routes to a cluster: kubeconfigs carry
// NAME.ZONE as tls-server-name, so no DNS is needed. The path form /clusters/NAME/ serves clients
// without SNI; what follows the name is passed on byte for byte. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roadstead::api {

struct Route {
  enum class Kind : unsigned char {
    Hub,          // the hub's own API
    Cluster,      // into a member cluster
    Misdirected,  // 421: the request names another cluster than the connection
    NotFound,
  };
  Kind kind = Kind::Hub;
  std::string cluster;
  std::string target;
};

// The cluster that a server name of the zone stands for; nullopt for other names.
std::optional<std::string> cluster_of_host(std::string_view host, std::string_view zone);

Route route_request(std::string_view server_name, std::string_view authority,
                    std::string_view target, std::string_view zone);

}  // namespace roadstead::api
