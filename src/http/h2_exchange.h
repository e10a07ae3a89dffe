// SPDX-License-Identifier: Apache-2.0
// The user's two views of an H2Stream. Both live on the session's shard. The client's may outlive
// the session; the server's lives in the session's task that runs the handler.
#pragma once

#include "base/block_pool.h"
#include "http/h2_core.h"
#include "http/message.h"

namespace roadstead::http {

// The two directions, alike in both roles.
class H2Body {
 public:
  H2Body(H2StreamRef stream, const H2Options& options)
      : stream_(std::move(stream)), send_buffer_(options.send_buffer) {}
  io::Task<Result<std::string>> read();
  io::Task<Result<void>> write(std::string_view bytes);
  Result<void> finish(Headers trailers);
  H2Stream& stream() const { return *stream_; }

 private:
  Result<void> writable() const;
  H2StreamRef stream_;
  std::size_t send_buffer_;
};

class H2ServerExchange final : public ServerExchange, public Pooled {
 public:
  H2ServerExchange(H2StreamRef stream, const H2Options& options, Connection& connection)
      : body_(std::move(stream), options), connection_(connection) {}
  ~H2ServerExchange() override;

  const RequestHead& request() const override { return body_.stream().request; }
  RequestHead take_request() override;
  Connection& connection() override { return connection_; }
  io::Executor& executor() override { return body_.stream().executor; }
  bool request_ended() const override;
  io::Task<Result<void>> respond(ResponseHead head, bool end) override;
  bool responded() const override { return body_.stream().head_submitted; }
  void stop_reading() override;
  void on_abort(UniqueFunction<void()> callback) override;
  void reset() override;

  io::Task<Result<std::string>> read() override { return body_.read(); }
  const Headers& trailers() const override { return body_.stream().trailers; }
  io::Task<Result<void>> write(std::string_view bytes) override { return body_.write(bytes); }
  io::Task<Result<void>> finish(Headers trailers) override;

 private:
  H2Body body_;
  Connection& connection_;
};

class H2ClientExchange final : public ClientExchange, public Pooled {
 public:
  H2ClientExchange(H2StreamRef stream, const H2Options& options)
      : body_(std::move(stream), options) {}
  ~H2ClientExchange() override { reset(); }

  io::Task<Result<ResponseHead>> response() override;
  bool not_processed() const override { return body_.stream().not_processed; }
  void reset() override;

  io::Task<Result<std::string>> read() override { return body_.read(); }
  const Headers& trailers() const override { return body_.stream().trailers; }
  io::Task<Result<void>> write(std::string_view bytes) override { return body_.write(bytes); }
  io::Task<Result<void>> finish(Headers trailers) override;

 private:
  H2Body body_;
};

}  // namespace roadstead::http
