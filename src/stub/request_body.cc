// SPDX-License-Identifier: Apache-2.0
#include "stub/request_body.h"

namespace roadstead::stub {

io::Task<void> RequestBody::run() {
  while (!ended_ && !stopped_ && !failure_.has_value()) {
    if (!want_more_) {
      co_await wanted_.wait();
      continue;
    }
    auto chunk = co_await exchange_.read();
    want_more_ = false;
    if (!chunk.ok()) {
      failure_ = std::move(chunk).error();
    } else if (chunk->empty()) {
      ended_ = true;
    } else {
      total_ += chunk->size();
      if (overflowed_ || kept_.size() + chunk->size() > kReplayLimit) {
        overflowed_ = true;
        overflow_ = std::move(*chunk);
      } else {
        kept_ += *chunk;
      }
    }
    arrived_.pulse();
  }
}

void RequestBody::stop() {
  stopped_ = true;
  exchange_.stop_reading();
  wanted_.pulse();
  arrived_.pulse();
}

io::Task<Result<std::string>> RequestBody::Attempt::read() {
  for (;;) {
    if (cancelled_ || body_.stopped_) {
      co_return Error(ErrorKind::Cancelled, "the attempt was given up");
    }
    if (position_ < body_.kept_.size()) {
      std::string rest = body_.kept_.substr(position_);
      position_ = body_.kept_.size();
      co_return rest;
    }
    if (!body_.overflow_.empty()) {
      co_return std::exchange(body_.overflow_, {});
    }
    if (body_.failure_.has_value()) {
      co_return *body_.failure_;
    }
    if (body_.ended_) {
      co_return std::string();
    }
    body_.want_more_ = true;
    body_.wanted_.pulse();
    co_await body_.arrived_.wait();
  }
}

void RequestBody::Attempt::cancel() {
  cancelled_ = true;
  body_.arrived_.pulse();
}

}  // namespace roadstead::stub
