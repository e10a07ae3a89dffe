// SPDX-License-Identifier: Apache-2.0
// The Agent's settings, checked. Plain values. Flags and environment variables are read by the
// program; what they may hold is decided here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/proxy_connect.h"
#include "net/socket.h"
#include "telemetry/log.h"

namespace roadstead::agent {

// As given: "" means not given.
struct RawSettings {
  std::string kubeconfig;
  std::string context;
  std::string state_dir;
  std::string bootstrap;
  std::string hub;  // overrides the address in the credentials
  std::string namespace_;
  std::string secret = "roadstead-agent";
  std::string lease = "roadstead-agent";
  std::string replica;  // pod name
  std::string proxy;
  std::string no_proxy;
  std::string health;
  std::string log_level = "info";
  std::string log_format;
  std::string termination_log;
  std::string service_host;  // KUBERNETES_SERVICE_HOST
  std::string service_port;
  std::string service_account_dir;
};

struct AgentSettings {
  bool in_cluster = true;
  std::string kubeconfig;
  std::string context;
  std::string state_dir;
  std::string bootstrap;
  std::optional<net::HostPort> hub;
  std::string namespace_;
  std::string secret;
  std::string lease;
  std::string replica;
  net::ProxySettings proxy;
  net::HostPort health;
  telemetry::LogLevel log_level = telemetry::LogLevel::Info;
  telemetry::LogFormat log_format = telemetry::LogFormat::Json;
  std::string termination_log;
  std::string service_host;
  std::string service_port;
  std::string service_account_dir;
};

// InvalidArgument with one line for every mistake: the setting, what is wrong, what to give.
Result<AgentSettings> check_settings(const RawSettings& raw);

}  // namespace roadstead::agent
