// SPDX-License-Identifier: Apache-2.0
#include "api/json_answer.h"

#include "http/date.h"
#include "http/relay.h"

namespace roadstead::api {

io::Task<void> answer_json(http::ServerExchange& exchange, const codec::json::object& body) {
  const std::string text = codec::write_json(body);
  http::ResponseHead head;
  head.status = 200;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-store");
  head.headers.add("date", http::format_http_date(exchange.executor().clock().wall()));
  co_await http::send_whole(exchange, std::move(head), text);
}

}  // namespace roadstead::api
