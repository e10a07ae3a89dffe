// SPDX-License-Identifier: Apache-2.0
// What the hub is told at start: a YAML file, ROADSTEAD_* variables and flags, the later over the
// earlier. All mistakes are reported at once, each with its field and fix.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/hub/stores.h"
#include "base/result.h"
#include "config/config_reader.h"
#include "pki/authorities.h"
#include "telemetry/log.h"

namespace roadstead::hub {

struct Settings {
  std::string data_dir = "roadstead-data";
  std::string store;                // postgres://…; default: a file in data_dir
  std::string store_password_file;  // of the database's user
  std::string listen = "[::]:8443";
  int listen_descriptor = -1;    // an inherited listening socket, in place of `listen`
  std::string public_endpoint;   // host:port that people and Agents use; default from listen
  std::string private_endpoint;  // a second address for Agents inside a private network
  std::string zone = "clusters.roadstead.internal";
  std::vector<std::string> names;  // more host names and addresses for the own certificate
  std::string tls_certificate;     // files of a certificate of one's own for the user port
  std::string tls_key;
  Duration server_certificate_lifetime = pki::kServerCertificateLifetime;  // the hub's own
  Duration agent_certificate_lifetime = pki::kAgentCertificateLifetime;
  std::string image_repository;  // where members pull the Agent from; default: this hub
  std::string agent_binary;      // served as an image; default: beside this program
  std::string metrics_listen = "127.0.0.1:0";
  std::string ready_file;  // written when the hub serves; for supervisors and tests
  std::uint64_t shards = 1;
  bool proxy_protocol = false;
  telemetry::LogLevel log_level = telemetry::LogLevel::Info;
  telemetry::LogFormat log_format = telemetry::LogFormat::Text;

  StorePlace store_place() const { return {data_dir, store, store_password_file}; }
};

Result<Settings> read_settings(config::ConfigSources sources);

}  // namespace roadstead::hub
