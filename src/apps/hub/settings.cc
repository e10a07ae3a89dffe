// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/settings.h"

namespace roadstead::hub {

Result<Settings> read_settings(config::ConfigSources sources) {
  using telemetry::LogFormat;
  using telemetry::LogLevel;
  Settings s;
  config::ConfigReader reader(std::move(sources));
  const config::Section root = reader.root();
  root.text("dataDir", s.data_dir);
  root.text("store", s.store);
  root.text("storePasswordFile", s.store_password_file);
  root.text("listen", s.listen);
  root.text("publicEndpoint", s.public_endpoint);
  root.text("privateEndpoint", s.private_endpoint);
  root.text("zone", s.zone);
  root.texts("names", s.names);
  const bool has_certificate = root.text("tlsCertificate", s.tls_certificate);
  const bool has_key = root.text("tlsKey", s.tls_key);
  if (has_certificate != has_key) {
    root.mistake(has_key ? "tlsCertificate" : "tlsKey",
                 "certificate and key must be given together");
  }
  // Both are renewed at two thirds of it. Short ones are for tests of just that.
  constexpr config::Bounds<Duration> kLifetimes{std::chrono::seconds(15),
                                                std::chrono::hours(24 * 366)};
  root.duration("serverCertificateLifetime", s.server_certificate_lifetime, kLifetimes);
  root.duration("agentCertificateLifetime", s.agent_certificate_lifetime, kLifetimes);
  root.text("imageRepository", s.image_repository);
  root.text("agentBinary", s.agent_binary);
  root.text("metricsListen", s.metrics_listen);
  root.text("readyFile", s.ready_file);
  std::int64_t shards = static_cast<std::int64_t>(s.shards);
  root.integer("shards", shards, {1, 64});
  s.shards = static_cast<std::uint64_t>(shards);
  root.boolean("proxyProtocol", s.proxy_protocol);
  root.choice("logLevel", s.log_level,
              {{"debug", LogLevel::Debug},
               {"info", LogLevel::Info},
               {"warn", LogLevel::Warn},
               {"error", LogLevel::Error}});
  root.choice("logFormat", s.log_format, {{"text", LogFormat::Text}, {"json", LogFormat::Json}});
  TRY_VOID(reader.finish());
  return s;
}

}  // namespace roadstead::hub
