// SPDX-License-Identifier: Apache-2.0
#include "api/bridge.h"

namespace roadstead::api {

// Calls that are posted may arrive after the request has ended at the other side; they find out
// here. `exchange` is touched on the connection's shard only, `callback` on the cluster's only.
struct BridgedExchange::Shared {
  http::ServerExchange* exchange = nullptr;
  UniqueFunction<void()> callback;
};

BridgedExchange::BridgedExchange(http::ServerExchange& exchange, io::Executor& here)
    : there_(exchange.executor()),
      here_(here),
      shared_(std::make_shared<Shared>()),
      request_(exchange.request()),
      request_ended_(exchange.request_ended()) {
  shared_->exchange = &exchange;
  connection_.peer_address = exchange.connection().peer_address;
  exchange.on_abort([shared = shared_, &here] {
    here.post_remote([shared] {
      if (shared->callback) {
        shared->callback();
      }
    });
  });
}

BridgedExchange::~BridgedExchange() = default;

void BridgedExchange::detach() {
  shared_->exchange->on_abort(nullptr);
  shared_->exchange = nullptr;
}

io::Task<Result<void>> BridgedExchange::respond(http::ResponseHead head, bool end) {
  responded_ = true;
  co_await there_.enter();
  auto result = co_await shared_->exchange->respond(std::move(head), end);
  co_await here_.enter();
  co_return result;
}

io::Task<Result<std::string>> BridgedExchange::read() {
  co_await there_.enter();
  auto result = co_await shared_->exchange->read();
  http::Headers trailers;
  if (result.ok() && result->empty()) {
    trailers = shared_->exchange->trailers();
  }
  co_await here_.enter();
  trailers_ = std::move(trailers);
  co_return result;
}

io::Task<Result<void>> BridgedExchange::write(std::string_view bytes) {
  co_await there_.enter();
  auto result = co_await shared_->exchange->write(bytes);
  co_await here_.enter();
  co_return result;
}

io::Task<Result<void>> BridgedExchange::finish(http::Headers trailers) {
  co_await there_.enter();
  auto result = co_await shared_->exchange->finish(std::move(trailers));
  co_await here_.enter();
  co_return result;
}

void BridgedExchange::stop_reading() {
  there_.post_remote([shared = shared_] {
    if (shared->exchange != nullptr) {
      shared->exchange->stop_reading();
    }
  });
}

void BridgedExchange::reset() {
  there_.post_remote([shared = shared_] {
    if (shared->exchange != nullptr) {
      shared->exchange->reset();
    }
  });
}

void BridgedExchange::on_abort(UniqueFunction<void()> callback) {
  shared_->callback = std::move(callback);
}

}  // namespace roadstead::api
