// SPDX-License-Identifier: Apache-2.0
// The YAML that registers a cluster: deploy/agent/agent.yaml.in with its values. Everything the
// Agent is given stands in it, so that its reader sees what is granted. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace roadstead::registry {

struct ManifestValues {
  std::string cluster;
  std::string cluster_uid;
  std::string login;
  std::string member_user;  // rs:LOGIN:SHORTUID
  std::string registrar_role = "cluster-admin";
  std::string hub;  // host:port that Agents dial
  std::string hub_roots_pem;
  std::string user_roots_pem;
  std::string image;
  int replicas = 2;
  std::string created;  // RFC 3339
  std::string token_expires;
  Secret token;
};

// InvalidArgument when a value could change the meaning of the YAML around it.
Result<Secret> render_manifest(const ManifestValues& values);

}  // namespace roadstead::registry
