// SPDX-License-Identifier: Apache-2.0
#include "objects/handler.h"

#include <memory>

namespace roadstead::objects {
namespace {

std::string header(const http::RequestHead& head, std::string_view name) {
  const std::string* value = head.headers.find(name);
  return value == nullptr ? std::string() : *value;
}

// Several Accept lines mean the same as one with commas.
std::string accept_of(const http::RequestHead& head) {
  std::string out;
  for (const http::Header& field : head.headers) {
    if (field.name == "accept") {
      out += (out.empty() ? "" : ", ") + field.value;
    }
  }
  return out;
}

http::ResponseHead head_of(const ApiResponse& response) {
  http::ResponseHead head;
  head.status = response.status;
  head.headers.add("content-type", response.content_type);
  head.headers.add("cache-control", "no-cache, private");
  for (const auto& [name, value] : response.headers) {
    head.headers.add(name, value);
  }
  return head;
}

// A watch that lives at home while its connection lives elsewhere. Shared with the abort callback,
// which may run after the watch has ended.
struct SharedWatch {
  std::unique_ptr<WatchStream> stream;  // touched at home only
};

}  // namespace

io::Task<void> ObjectHandler::handle(http::ServerExchange& exchange) {
  auto context = identify_(exchange);
  if (!context.ok()) {
    co_await refuse(exchange, std::move(context).error());
    co_return;
  }
  static_cast<void>(co_await handle_as(exchange, std::move(*context)));
}

io::Task<int> ObjectHandler::handle_as(http::ServerExchange& exchange, RequestContext context) {
  auto body = co_await read_body(exchange);
  if (!body.ok()) {
    const int status = kube::status_of(body.error()).code;
    co_await refuse(exchange, std::move(body).error());
    co_return status;
  }
  const http::RequestHead& head = exchange.request();
  ApiRequest request;
  request.context = std::move(context);
  request.method = head.method;
  request.target = head.target;
  request.accept = accept_of(head);
  request.content_type = header(head, "content-type");
  request.if_none_match = header(head, "if-none-match");
  request.user_agent = header(head, "user-agent");
  request.body = std::move(*body);

  io::Executor& here = exchange.executor();
  const bool elsewhere = &here != &home_;
  if (elsewhere) {
    co_await home_.enter();
  }
  ApiResponse response = co_await service_.handle(std::move(request));
  if (elsewhere) {
    co_await here.enter();
  }
  const int status = response.status;
  co_await answer(exchange, std::move(response));
  co_return status;
}

io::Task<Result<std::string>> ObjectHandler::read_body(http::ServerExchange& exchange) {
  std::string body;
  if (exchange.request_ended()) {
    co_return body;
  }
  for (;;) {
    CO_TRY(const std::string piece, co_await exchange.read());
    if (piece.empty()) {
      co_return body;
    }
    if (body.size() + piece.size() > limits_.max_body) {
      co_return kube::request_too_large("limit is " + std::to_string(limits_.max_body));
    }
    body += piece;
  }
}

io::Task<void> ObjectHandler::refuse(http::ServerExchange& exchange, Error error) {
  const kube::Status status = kube::status_of(error);
  ApiResponse response;
  response.status = status.code;
  response.body = kube::to_body(status);
  co_await answer(exchange, std::move(response));
}

io::Task<void> ObjectHandler::answer(http::ServerExchange& exchange, ApiResponse response) {
  http::ResponseHead head = head_of(response);
  const bool is_head = exchange.request().method == "HEAD";
  if (response.watch != nullptr) {
    if ((co_await exchange.respond(std::move(head), is_head)).ok() && !is_head) {
      co_await stream(exchange, std::move(response.watch));
      co_return;
    }
    if (&exchange.executor() != &home_) {
      co_await home_.enter();
    }
    response.watch.reset();
    if (&exchange.executor() != &home_) {
      co_await exchange.executor().enter();
    }
    co_return;
  }
  const std::size_t size = response.list ? response.list->size() : response.body.size();
  const bool empty = size == 0 || is_head || response.status == 304;
  if (response.status != 304) {
    head.headers.add("content-length", std::to_string(size));
  }
  if (!(co_await exchange.respond(std::move(head), empty)).ok() || empty) {
    co_return;
  }
  const bool written = response.list ? co_await write_list(exchange, std::move(*response.list))
                                     : (co_await exchange.write(response.body)).ok();
  if (written) {
    static_cast<void>(co_await exchange.finish());
  }
}

io::Task<bool> ObjectHandler::write_list(http::ServerExchange& exchange, ListBody list) {
  for (std::string piece = list.next(); !piece.empty(); piece = list.next()) {
    if (!(co_await exchange.write(piece)).ok()) {
      co_return false;
    }
  }
  co_return true;
}

io::Task<void> ObjectHandler::stream(http::ServerExchange& exchange,
                                     std::unique_ptr<WatchStream> watch) {
  io::Executor& here = exchange.executor();
  const bool elsewhere = &here != &home_;
  auto shared = std::make_shared<SharedWatch>();
  shared->stream = std::move(watch);
  io::Executor* home = &home_;
  exchange.on_abort([shared, home] {
    home->post_remote([shared] {
      if (shared->stream != nullptr) {
        shared->stream->stop();
      }
    });
  });
  bool open = true;
  while (open) {
    if (elsewhere) {
      co_await home_.enter();
    }
    const std::string lines = co_await shared->stream->next();
    if (elsewhere) {
      co_await here.enter();
    }
    open = !lines.empty() && (co_await exchange.write(lines)).ok();
  }
  // The watch belongs to home and ends there.
  if (elsewhere) {
    co_await home_.enter();
  }
  shared->stream.reset();
  if (elsewhere) {
    co_await here.enter();
  }
  static_cast<void>(co_await exchange.finish());
}

}  // namespace roadstead::objects
