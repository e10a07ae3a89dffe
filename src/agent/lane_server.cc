// SPDX-License-Identifier: Apache-2.0
#include "agent/lane_server.h"

#include "agent/group_rights.h"
#include "http/relay.h"
#include "io/task_group.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxQueuedMessages = 256;
constexpr std::size_t kMaxContextBytes = 256 * 1024;

io::Task<void> answer(http::ServerExchange& exchange, int status, std::string_view text) {
  http::ResponseHead head;
  head.status = status;
  co_await http::send_whole(exchange, std::move(head), text);
}

int status_of(const Error& error) { return traits(error.kind()).http_status; }

}  // namespace

LaneServer::LaneServer(io::Executor& executor, const Clock& clock, Forwarder& forwarder,
                       std::shared_ptr<const PinnedTrust> const& trust, LocalRules rules,
                       LaneEvents& events, std::array<std::byte, 32> exporter,
                       telemetry::Logger logger)
    : executor_(executor),
      clock_(clock),
      forwarder_(forwarder),
      trust_(trust),
      rules_(std::move(rules)),
      events_(events),
      exporter_(exporter),
      logger_(std::move(logger)),
      identities_(clock),
      outbox_changed_(executor) {}

// Not a coroutine: it would hold place for the largest of these as long as any of them lasts.
io::Task<void> LaneServer::handle(http::ServerExchange& exchange) {
  const http::RequestHead& request = exchange.request();
  if (request.scheme != tunnel::kControlScheme) {
    return forwarder_.serve(exchange, identities_);
  }
  if (request.method == "POST" && request.target == tunnel::kIdentityPath) {
    return serve_identity(exchange);
  }
  if (request.method == "POST" && request.target == tunnel::kControlPath && !control_open_) {
    control_open_ = true;
    return serve_control(exchange);
  }
  return answer(exchange, 404, "not part of the tunnel protocol");
}

// One at a time.
io::Task<void> LaneServer::serve_control(http::ServerExchange& exchange) {
  co_await talk(exchange);
  control_open_ = false;
}

bool LaneServer::send(json::object message) {
  if (outbox_.size() >= kMaxQueuedMessages) {
    return false;
  }
  outbox_.push_back(std::move(message));
  outbox_changed_.pulse();
  return true;
}

void LaneServer::close() {
  closed_ = true;
  outbox_changed_.pulse();
}

io::Task<void> LaneServer::send_queued(http::ServerExchange& exchange) {
  while (!closed_) {
    if (outbox_.empty()) {
      co_await outbox_changed_.wait();
      continue;
    }
    const json::object message = std::move(outbox_.front());
    outbox_.pop_front();
    const auto written = co_await exchange.write(tunnel::frame_message(message));
    if (!written.ok()) {
      co_return;
    }
  }
  static_cast<void>(co_await exchange.finish());
}

io::Task<void> LaneServer::talk(http::ServerExchange& exchange) {
  const auto responded = co_await exchange.respond({.status = 200, .headers = {}});
  if (!responded.ok()) {
    co_return;
  }
  send(events_.hello().to_json());
  send(events_.report().to_json());
  closed_ = false;
  io::TaskGroup writer(executor_);
  writer.spawn(send_queued(exchange));
  tunnel::MessageReader reader;
  for (;;) {
    const auto chunk = co_await exchange.read();
    if (!chunk.ok() || chunk->empty()) {
      break;
    }
    const auto messages = reader.feed(*chunk);
    if (!messages.ok()) {
      logger_.warn("control stream broken", {{"error", messages.error().message()}});
      exchange.reset();
      break;
    }
    for (const json::object& message : *messages) {
      receive(message);
    }
  }
  close();
  co_await writer.join();
}

void LaneServer::receive(const json::object& message) {
  const std::string_view type = tunnel::message_type(message);
  if (type == "hello") {
    const auto hello = tunnel::Hello::from_json(message);
    if (hello.ok()) {
      events_.on_hub_hello(*hello);
      events_.on_ready();
    }
  } else if (type == "revoke") {
    if (const json::value* ids = message.if_contains("ids"); ids != nullptr && ids->is_array()) {
      for (const json::value& id : ids->get_array()) {
        if (id.is_int64()) {
          identities_.revoke(static_cast<std::uint64_t>(id.get_int64()));
        }
      }
    }
  } else {
    events_.on_message(message);
  }
}

io::Task<void> LaneServer::serve_identity(http::ServerExchange& exchange) {
  const auto body = co_await http::read_whole(exchange, kMaxContextBytes);
  if (!body.ok()) {
    co_await answer(exchange, status_of(body.error()), body.error().message());
    co_return;
  }
  const auto context = tunnel::IdentityContext::from_json(*body);
  if (!context.ok()) {
    co_await answer(exchange, 400, context.error().message());
    co_return;
  }
  const tunnel::ContextRules rules{trust_->user_roots, trust_->audience, exporter_};
  auto verdict = tunnel::verify_context(*context, rules, clock_.wall());
  if (verdict.ok()) {
    verdict = rules_.check(*context);
  }
  if (verdict.ok()) {
    std::vector<std::string> groups = context->groups;
    if (rules_.group_rights != nullptr) {
      groups = co_await rules_.group_rights->permitted(std::move(groups));
    }
    verdict = identities_.admit(*context, std::move(groups));
  }
  if (!verdict.ok()) {
    logger_.warn("identity refused", {{"user", context->user}, {"why", verdict.error().message()}});
    co_await answer(exchange, status_of(verdict.error()), verdict.error().message());
    co_return;
  }
  co_await answer(exchange, 200, "");
}

}  // namespace roadstead::agent
