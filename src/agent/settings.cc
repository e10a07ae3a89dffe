// SPDX-License-Identifier: Apache-2.0
#include "agent/settings.h"

#include "agent/api_server_access.h"
#include "kube/names.h"

namespace roadstead::agent {
namespace {

class Checker {
 public:
  void wrong(std::string_view setting, const std::string& why) {
    if (!text_.empty()) {
      text_ += '\n';
    }
    text_.append(setting).append(": ").append(why);
  }
  bool ok() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void check_mode(const RawSettings& raw, AgentSettings& out, Checker& check) {
  out.in_cluster = raw.kubeconfig.empty();
  out.kubeconfig = raw.kubeconfig;
  out.context = raw.context;
  out.state_dir = raw.state_dir;
  out.bootstrap = raw.bootstrap;
  if (out.in_cluster && raw.service_host.empty()) {
    check.wrong("--kubeconfig",
                "is needed here, since this is no pod of a cluster "
                "(KUBERNETES_SERVICE_HOST is not set); give it with --state-dir");
  }
  if (out.in_cluster) {
    for (const auto& [flag, value] :
         {std::pair<std::string_view, const std::string&>{"--context", raw.context},
          {"--state-dir", raw.state_dir},
          {"--bootstrap", raw.bootstrap}}) {
      if (!value.empty()) {
        check.wrong(flag, "is for an Agent outside of its cluster; give --kubeconfig with it");
      }
    }
  } else if (raw.state_dir.empty()) {
    check.wrong("--state-dir",
                "is needed with --kubeconfig: a directory where the Agent keeps "
                "its key and certificate");
  }
}

void check_names(const RawSettings& raw, AgentSettings& out, Checker& check) {
  out.namespace_ = raw.namespace_;
  out.secret = raw.secret;
  out.lease = raw.lease;
  out.replica = raw.replica;
  for (const auto& [flag, value] :
       {std::pair<std::string_view, const std::string&>{"--secret", raw.secret},
        {"--lease", raw.lease}}) {
    if (const auto complaints = kube::check_dns1123_subdomain(value); !complaints.empty()) {
      check.wrong(flag, "\"" + value + "\": " + complaints.front());
    }
  }
  if (out.in_cluster && !raw.service_host.empty()) {
    if (const auto complaints = kube::check_dns1123_label(raw.namespace_); !complaints.empty()) {
      check.wrong("--namespace", "\"" + raw.namespace_ + "\": " + complaints.front() +
                                     " (as a rule it is read from the service account)");
    }
  }
}

void check_network(const RawSettings& raw, AgentSettings& out, Checker& check) {
  if (!raw.hub.empty()) {
    auto hub = net::parse_host_port(raw.hub, "8443");
    if (hub.ok()) {
      out.hub = std::move(*hub);
    } else {
      check.wrong("--hub", hub.error().message() + "; give HOST:PORT, such as hub.example:443");
    }
  }
  if (!raw.proxy.empty()) {
    auto proxy = net::parse_http_proxy(raw.proxy);
    if (proxy.ok()) {
      out.proxy.proxy = std::move(*proxy);
    } else {
      check.wrong("--proxy", proxy.error().message() + "; give http://[USER:PASSWORD@]HOST:PORT");
    }
  }
  out.proxy.no_proxy = raw.no_proxy;
  const std::string health =
      !raw.health.empty() ? raw.health : (out.in_cluster ? "[::]:8080" : "127.0.0.1:0");
  auto address = net::parse_host_port(health, "8080");
  if (address.ok()) {
    out.health = std::move(*address);
  } else {
    check.wrong("--health-listen",
                address.error().message() + "; give ADDRESS:PORT, such as [::]:8080");
  }
}

void check_log(const RawSettings& raw, AgentSettings& out, Checker& check) {
  using telemetry::LogFormat;
  using telemetry::LogLevel;
  if (raw.log_level == "debug") {
    out.log_level = LogLevel::Debug;
  } else if (raw.log_level == "info") {
    out.log_level = LogLevel::Info;
  } else if (raw.log_level == "warn") {
    out.log_level = LogLevel::Warn;
  } else if (raw.log_level == "error") {
    out.log_level = LogLevel::Error;
  } else {
    check.wrong("--log-level", "\"" + raw.log_level + "\" is none of debug, info, warn, error");
  }
  if (raw.log_format == "json" || (raw.log_format.empty() && out.in_cluster)) {
    out.log_format = LogFormat::Json;
  } else if (raw.log_format == "text" || raw.log_format.empty()) {
    out.log_format = LogFormat::Text;
  } else {
    check.wrong("--log-format", "\"" + raw.log_format + "\" is none of text, json");
  }
}

}  // namespace

Result<AgentSettings> check_settings(const RawSettings& raw) {
  AgentSettings out;
  Checker check;
  check_mode(raw, out, check);
  check_names(raw, out, check);
  check_network(raw, out, check);
  check_log(raw, out, check);
  out.termination_log = !raw.termination_log.empty() ? raw.termination_log
                        : out.in_cluster             ? "/dev/termination-log"
                                                     : "";
  out.service_host = raw.service_host;
  out.service_port = raw.service_port;
  out.service_account_dir = raw.service_account_dir.empty() ? std::string(kServiceAccountDirectory)
                                                            : raw.service_account_dir;
  if (!check.ok()) {
    return Error(ErrorKind::InvalidArgument, check.text());
  }
  return out;
}

}  // namespace roadstead::agent
