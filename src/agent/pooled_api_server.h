// SPDX-License-Identifier: Apache-2.0
// The link to the API server over pooled TLS connections. Adds the Agent's credential to every
// request and keeps it fresh: a service account's token is replaced in its file about hourly. Lives
// on the Agent's shard.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/api_server_access.h"
#include "agent/api_server_link.h"
#include "http/client_pool.h"
#include "io/blocking_pool.h"
#include "io/event.h"
#include "io/shard.h"
#include "net/tls_context.h"
#include "telemetry/log.h"

namespace roadstead::agent {

class PooledApiServer final : public ApiServerLink {
 public:
  static Result<std::unique_ptr<PooledApiServer>> create(ApiServerAccess access, io::Shard& shard,
                                                         io::BlockingPool& blocking,
                                                         telemetry::Logger logger,
                                                         http::BufferBudget* buffers = nullptr);

  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                 bool long_running, Deadline deadline) override;
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                         Deadline deadline) override;
  void credential_refused() override { token_due_ = MonotonicTime{}; }

  // Required before destruction.
  io::Task<void> close();
  http::ClientPoolStats stats() const { return pool_->stats(); }
  const ApiServerAccess& access() const { return access_; }

 private:
  PooledApiServer(ApiServerAccess access, io::Shard& shard, io::BlockingPool& blocking,
                  telemetry::Logger logger, http::BufferBudget* buffers);

  io::Task<Result<net::StreamPtr>> dial(std::vector<std::string> alpn, Deadline deadline);
  io::Task<Result<void>> prepare(http::RequestHead& head);
  io::Task<void> refresh_token();
  void set_token(std::string_view token);

  ApiServerAccess access_;
  io::Shard& shard_;
  io::BlockingPool& blocking_;
  telemetry::Logger logger_;
  std::string authority_;
  std::map<std::vector<std::string>, std::shared_ptr<net::TlsClientContext>> contexts_;
  std::unique_ptr<http::ClientPool> pool_;

  // "authorization: Bearer ..."; without a value when the client certificate is all there is.
  http::Header authorization_{"authorization", {}};
  std::string token_stamp_;
  MonotonicTime token_due_{};  // when to look at the file again
  bool refreshing_ = false;
  io::Event refreshed_;
};

}  // namespace roadstead::agent
