// SPDX-License-Identifier: Apache-2.0
#include "member_api_server.h"

#include <algorithm>

namespace roadstead::bench {
namespace {

http::ResponseHead answer_to(const http::ServerExchange& exchange) {
  http::ResponseHead head{200, {}};
  const std::string* audit_id = exchange.request().headers.find("audit-id");
  head.headers.add("audit-id", audit_id != nullptr ? *audit_id : "");
  head.headers.add("cache-control", "no-cache, private");
  head.headers.add("content-type", "application/json");
  head.headers.add("x-kubernetes-pf-flowschema-uid", "3f2f6f0e-6f0b-4d0e-8b43-5a4b3f0d9a11");
  head.headers.add("x-kubernetes-pf-prioritylevel-uid", "9c0e9a51-2f3a-4c4b-9d5f-0d5a7d4c2b10");
  head.headers.add("date", "Sun, 22 Nov 2026 11:33:32 GMT");
  return head;
}

}  // namespace

io::Task<void> MemberApiServer::handle(http::ServerExchange& exchange) {
  const std::string& target = exchange.request().target;
  if (target.ends_with("watch=1")) {
    return send_events(exchange);
  }
  if (target.ends_with("/log")) {
    return send_log(exchange);
  }
  return exchange.request().method == "POST" ? take_write(exchange) : send_object(exchange);
}

void MemberApiServer::emit() {
  ++emitted_;
  emitted_more_.pulse();
}

io::Task<void> MemberApiServer::send_object(http::ServerExchange& exchange) {
  http::ResponseHead head = answer_to(exchange);
  head.headers.add("content-length", std::to_string(object_.size()));
  static_cast<void>(co_await exchange.respond(std::move(head)));
  static_cast<void>(co_await exchange.write(object_));
  static_cast<void>(co_await exchange.finish());
}

io::Task<void> MemberApiServer::send_log(http::ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer_to(exchange)));
  for (std::size_t left = download_bytes_; left > 0;) {
    const std::size_t size = std::min(left, piece_.size());
    const auto written = co_await exchange.write(std::string_view(piece_).substr(0, size));
    if (!written.ok()) {
      co_return;
    }
    left -= size;
  }
  static_cast<void>(co_await exchange.finish());
}

io::Task<void> MemberApiServer::take_write(http::ServerExchange& exchange) {
  for (;;) {
    const auto piece = co_await exchange.read();
    if (!piece.ok()) {
      co_return;
    }
    if (piece->empty()) {
      break;
    }
  }
  co_await send_object(exchange);
}

io::Task<void> MemberApiServer::send_events(http::ServerExchange& exchange) {
  bool gone = false;
  const auto left = [this, &gone] {
    gone = true;
    emitted_more_.pulse();
  };
  exchange.on_abort(left);
  std::uint64_t sent = emitted_;
  static_cast<void>(co_await exchange.respond(answer_to(exchange)));
  while (!gone) {
    if (sent == emitted_) {
      co_await emitted_more_.wait_next();
      continue;
    }
    ++sent;
    if (!(co_await exchange.write(event_)).ok()) {
      break;
    }
  }
  exchange.on_abort(nullptr);
}

}  // namespace roadstead::bench
