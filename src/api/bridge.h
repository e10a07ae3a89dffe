// SPDX-License-Identifier: Apache-2.0
// A user's exchange seen from another shard: every call hops to the connection's shard and back.
// Only the path form pays this; with SNI the connection is on the cluster's shard from the start.
// Lives on the cluster's shard; the exchange outlives it.
#pragma once

#include <memory>

#include "http/message.h"

namespace roadstead::api {

class BridgedExchange final : public http::ServerExchange {
 public:
  // Made on the exchange's own shard, used on `here`.
  BridgedExchange(http::ServerExchange& exchange, io::Executor& here);
  ~BridgedExchange() override;

  // On the exchange's own shard, when the handler there is about to return.
  void detach();

  const http::RequestHead& request() const override { return request_; }
  http::Connection& connection() override { return connection_; }
  io::Executor& executor() override { return here_; }
  bool request_ended() const override { return request_ended_; }
  io::Task<Result<void>> respond(http::ResponseHead head, bool end) override;
  bool responded() const override { return responded_; }
  void stop_reading() override;
  void on_abort(UniqueFunction<void()> callback) override;
  void reset() override;
  io::Task<Result<std::string>> read() override;
  const http::Headers& trailers() const override { return trailers_; }
  io::Task<Result<void>> write(std::string_view bytes) override;
  io::Task<Result<void>> finish(http::Headers trailers) override;

 private:
  struct Shared;
  io::Executor& there_;
  io::Executor& here_;
  std::shared_ptr<Shared> shared_;
  http::RequestHead request_;
  http::Connection connection_;
  bool request_ended_;
  bool responded_ = false;
  http::Headers trailers_;
};

}  // namespace roadstead::api
