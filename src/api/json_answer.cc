// SPDX-License-Identifier: Apache-2.0
#include "api/json_answer.h"

#include "http/date.h"

namespace roadstead::api {

io::Task<void> answer_json(http::ServerExchange& exchange, const codec::json::object& body) {
  const std::string text = codec::write_json(body);
  http::ResponseHead head;
  head.status = 200;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-store");
  head.headers.add("date", http::format_http_date(exchange.executor().clock().wall()));
  head.headers.add("content-length", std::to_string(text.size()));
  const auto responded = co_await exchange.respond(std::move(head));
  if (responded.ok()) {
    const auto written = co_await exchange.write(text);
    if (written.ok()) {
      static_cast<void>(co_await exchange.finish());
    }
  }
}

}  // namespace roadstead::api
