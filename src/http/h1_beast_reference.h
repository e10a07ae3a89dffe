// SPDX-License-Identifier: Apache-2.0
// For tests and fuzzing: our parser beside Boost.Beast's. What Beast refuses, ours must refuse too,
// and what both accept must have the same fields and the same end.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "http/h1_body.h"
#include "http/h1_parser.h"

namespace roadstead::http::reference {

namespace beast = boost::beast::http;

struct Message {
  std::string first;  // method and target, or status
  std::vector<std::pair<std::string, std::string>> fields;
  std::string payload;
  std::size_t bytes = 0;  // where the message ends
  bool ended = false;
  bool operator==(const Message&) const = default;
};

// nullopt: refused, or the head is not complete.
template <bool kRequest>
std::optional<Message> read_with_beast(const std::string& wire) {
  beast::parser<kRequest, beast::string_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  parser.eager(true);
  boost::beast::error_code error;
  std::size_t used = 0;
  while (used < wire.size() && !parser.is_done()) {
    const std::size_t n =
        parser.put(boost::asio::const_buffer(wire.data() + used, wire.size() - used), error);
    used += n;
    if (error == beast::error::need_more) {
      error = {};
      break;
    }
    if (error) {
      return std::nullopt;
    }
    if (n == 0) {
      break;
    }
  }
  if (!parser.is_header_done()) {
    return std::nullopt;
  }
  Message out;
  const auto& message = parser.get();
  if constexpr (kRequest) {
    out.first = std::string(message.method_string()) + " " + std::string(message.target());
  } else {
    out.first = std::to_string(message.result_int());
  }
  for (const auto& field : message) {
    out.fields.emplace_back(ascii::to_lower(std::string_view(field.name_string())),
                            std::string(field.value()));
  }
  out.payload = message.body();
  out.bytes = used;
  out.ended = parser.is_done();
  return out;
}

// The same through ours.
template <bool kRequest>
std::optional<Message> read_with_ours(const std::string& wire) {
  H1HeadScanner scanner(1 << 20);
  if (scanner.scan(wire) != H1HeadScanner::State::Complete) {
    return std::nullopt;
  }
  const std::string_view head = std::string_view(wire).substr(0, scanner.head_bytes());
  Message out;
  H1Framing framing;
  Headers fields;
  if constexpr (kRequest) {
    H1Request request;
    if (parse_request(head, request)) {
      return std::nullopt;
    }
    const std::size_t space = head.find(' ');
    out.first = head.substr(0, head.find(' ', space + 1));
    framing = request.framing;
  } else {
    H1Response response;
    if (parse_response(head, false, response)) {
      return std::nullopt;
    }
    out.first = std::to_string(response.head.status);
    framing = response.framing;
  }
  const std::size_t line = head.find("\r\n") + 2;
  if (parse_field_lines(head.substr(line, head.size() - line - 2), 1000, fields)) {
    return std::nullopt;
  }
  if (framing.length > (1 << 20)) {
    return std::nullopt;  // Beast's string body would reserve it
  }
  H1Body body(framing);
  const auto used =
      body.decode(std::string_view(wire).substr(head.size()), out.payload, wire.size());
  if (!used.ok()) {
    return std::nullopt;
  }
  // Beast keeps trailers among the fields once the body has ended.
  for (const Header& field : fields) {
    out.fields.emplace_back(field.name, field.value);
  }
  for (const Header& field : body.trailers()) {
    out.fields.emplace_back(field.name, field.value);
  }
  out.bytes = head.size() + *used;
  out.ended = body.ended();
  return out;
}

inline void sort_fields(Message& message) {
  std::sort(message.fields.begin(), message.fields.end());
}

// "" when ours is not more lenient than Beast's and both frame alike.
template <bool kRequest>
std::string difference(const std::string& wire) {
  auto ours = read_with_ours<kRequest>(wire);
  if (!ours.has_value()) {
    return "";  // being stricter is what we want
  }
  auto theirs = read_with_beast<kRequest>(wire);
  if (!theirs.has_value()) {
    return "refused by Beast";
  }
  if (ours->ended != theirs->ended || ours->first != theirs->first ||
      ours->payload != theirs->payload) {
    return "another payload or first line";
  }
  sort_fields(*ours);
  sort_fields(*theirs);
  if (ours->ended && (ours->bytes != theirs->bytes || ours->fields != theirs->fields)) {
    return "another end or other fields";
  }
  return "";
}

}  // namespace roadstead::http::reference
