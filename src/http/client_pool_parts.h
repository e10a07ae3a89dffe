// SPDX-License-Identifier: Apache-2.0
// What a ClientPool is made of: its connections, and the exchanges that hold them.
#pragma once

#include <memory>
#include <utility>

#include "http/client_pool.h"

namespace roadstead::http {

struct PooledH2 {
  std::unique_ptr<H2Session> session;
  RequestClass kind = RequestClass::Short;
  std::size_t users = 0;
  MonotonicTime idle_since;
  bool draining = false;  // we asked for it
  bool ended = false;     // run() has returned

  bool takes_requests() const { return !ended && !draining && !session->draining(); }
};

struct PooledH1 {
  std::unique_ptr<H1Client> client;
  RequestClass kind = RequestClass::Short;
  bool upgrade = false;
  std::uint64_t generation = 0;  // of the pool's credentials
  MonotonicTime idle_since;
};

// Who takes connections back. Outlives the pool while exchanges remain.
class PoolOwner {
 public:
  virtual ~PoolOwner() = default;
  virtual void release(const std::shared_ptr<PooledH2>& connection) = 0;
  virtual void release(const std::shared_ptr<PooledH1>& connection) = 0;
};

// Passes everything on, and gives its connection back when dropped.
template <class Connection>
class PooledExchange final : public ClientExchange {
 public:
  PooledExchange(std::shared_ptr<PoolOwner> owner, std::shared_ptr<Connection> connection,
                 ClientExchangePtr inner)
      : owner_(std::move(owner)), connection_(std::move(connection)), inner_(std::move(inner)) {}
  ~PooledExchange() override {
    inner_.reset();
    owner_->release(connection_);
  }
  PooledExchange(const PooledExchange&) = delete;
  PooledExchange& operator=(const PooledExchange&) = delete;

  io::Task<Result<ResponseHead>> response() override { return inner_->response(); }
  io::Task<Result<std::string>> read() override { return inner_->read(); }
  const Headers& trailers() const override { return inner_->trailers(); }
  io::Task<Result<void>> write(std::string_view bytes) override { return inner_->write(bytes); }
  io::Task<Result<void>> finish(Headers trailers) override {
    return inner_->finish(std::move(trailers));
  }
  bool not_processed() const override { return inner_->not_processed(); }
  void reset() override { inner_->reset(); }

 private:
  std::shared_ptr<PoolOwner> owner_;
  std::shared_ptr<Connection> connection_;
  ClientExchangePtr inner_;
};

}  // namespace roadstead::http
