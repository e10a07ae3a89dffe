// SPDX-License-Identifier: Apache-2.0
// The object service on an HTTP connection. The connection may live on any shard; each request
// goes to the service's home for its work and comes back to write the answer.
#pragma once

#include <functional>

#include "http/message.h"
#include "io/task_group.h"
#include "objects/service.h"

namespace roadstead::objects {

// Who asks: read by the edge from the connection and the request's headers.
using Identify = std::function<Result<RequestContext>(http::ServerExchange&)>;

struct HandlerLimits {
  std::size_t max_body = 3u << 20;  // as the API server's
};

class ObjectHandler final : public http::Handler {
 public:
  ObjectHandler(io::Executor& home, ObjectService& service, Identify identify,
                HandlerLimits limits = {})
      : home_(home), service_(service), identify_(std::move(identify)), limits_(limits) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;
  // The same for a caller that has identified the principal already; returns the status that was
  // answered, for the caller's audit record.
  io::Task<int> handle_as(http::ServerExchange& exchange, RequestContext context);

 private:
  io::Task<Result<std::string>> read_body(http::ServerExchange& exchange);
  io::Task<void> answer(http::ServerExchange& exchange, ApiResponse response);
  io::Task<bool> write_list(http::ServerExchange& exchange, ListBody list);
  io::Task<void> stream(http::ServerExchange& exchange, std::unique_ptr<WatchStream> watch);
  io::Task<void> refuse(http::ServerExchange& exchange, Error error);

  io::Executor& home_;
  ObjectService& service_;
  Identify identify_;
  HandlerLimits limits_;
};

}  // namespace roadstead::objects
