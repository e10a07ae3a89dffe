// SPDX-License-Identifier: Apache-2.0
#include "stub/lane.h"

#include <atomic>

#include "http/relay.h"

namespace roadstead::stub {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxQueuedMessages = 256;
constexpr Duration kRenewTick = std::chrono::seconds(5);
constexpr Duration kRenewAfter = tunnel::kContextLifetime / 2;
constexpr Duration kHelloTimeout = std::chrono::seconds(10);
constexpr Duration kDismissTime = std::chrono::seconds(2);
constexpr Duration kDrainTick = std::chrono::milliseconds(20);

std::atomic<std::uint64_t> next_lane_number{1};

http::RequestHead control_head(std::string_view path) {
  http::RequestHead head;
  head.method = "POST";
  head.scheme = tunnel::kControlScheme;
  head.authority = tunnel::kAuthority;
  head.target = path;
  return head;
}

}  // namespace

Lane::Lane(io::Executor& executor, LaneIdentity identity, std::unique_ptr<http::H2Session> session,
           const identity::Directory& directory, LaneObserver& observer, tunnel::Hello own_hello,
           telemetry::Logger logger)
    : executor_(executor),
      identity_(std::move(identity)),
      session_(std::move(session)),
      directory_(directory),
      observer_(observer),
      own_hello_(std::move(own_hello)),
      logger_(std::move(logger)),
      number_(next_lane_number.fetch_add(1)),
      tasks_(executor),
      renew_sleep_(executor),
      outbox_changed_(executor) {}

Lane::~Lane() = default;

bool Lane::usable() const {
  return hello_received_ && !dismissed_ && !ended_ && !retiring_ && !session_->draining();
}

io::Task<void> Lane::run() {
  if (net::TlsSession* tls = session_->connection().tls; tls != nullptr) {
    auto exported = tls->export_keying_material(tunnel::kExporterLabel);
    if (!exported.ok()) {
      logger_.error("lane refused", {{"error", exported.error().message()}});
      session_->close();
      co_return;
    }
    exporter_ = *exported;
  }
  Result<void> result;
  tasks_.spawn(run_control());
  tasks_.spawn(renew_loop());
  co_await run_session(&result);
  ended_ = true;
  renew_sleep_.stop();
  outbox_changed_.pulse();
  for (auto& [fingerprint, context] : contexts_) {
    end_context(*context);
  }
  co_await tasks_.join();
  if (!result.ok()) {
    logger_.info("lane lost", {{"error", result.error().message()}});
  }
}

io::Task<void> Lane::run_session(Result<void>* result) { *result = co_await session_->run(); }

io::Task<void> Lane::run_control() {
  const auto settings = co_await session_->wait_settings();
  if (!settings.ok()) {
    co_return;
  }
  auto opened = session_->open(control_head(tunnel::kControlPath), false);
  if (!opened.ok()) {
    session_->close();
    co_return;
  }
  http::ClientExchange& control = **opened;
  io::Timer hello_timer(executor_);
  hello_timer.arm(kHelloTimeout, [this] {
    if (!hello_received_) {
      logger_.warn("lane closed", {{"why", "no hello from the Agent within 10 s"}});
      session_->close();
    }
  });
  send(own_hello_.to_json());
  io::TaskGroup writer(executor_);
  writer.spawn(send_queued(control));
  bool accepted = false;
  {
    // Ends here: a head takes a KiB, and this frame lives as long as the lane.
    const auto response = co_await control.response();
    accepted = response.ok() && response->status == 200;
  }
  tunnel::MessageReader reader;
  while (accepted) {
    const auto chunk = co_await control.read();
    if (!chunk.ok() || chunk->empty()) {
      break;
    }
    const auto messages = reader.feed(*chunk);
    if (!messages.ok()) {
      logger_.warn("control stream broken", {{"error", messages.error().message()}});
      break;
    }
    for (const json::object& message : *messages) {
      receive(message);
    }
  }
  // A lane without its control stream is of no use.
  control.reset();
  if (!session_->draining()) {
    session_->close();
  }
  ended_ = true;
  outbox_changed_.pulse();
  co_await writer.join();
}

io::Task<void> Lane::send_queued(http::ClientExchange& control) {
  while (!ended_) {
    if (outbox_.empty()) {
      co_await outbox_changed_.wait();
      continue;
    }
    const json::object message = std::move(outbox_.front());
    outbox_.pop_front();
    const auto written = co_await control.write(tunnel::frame_message(message));
    if (!written.ok()) {
      co_return;
    }
  }
}

bool Lane::send(json::object message) {
  if (ended_ || outbox_.size() >= kMaxQueuedMessages) {
    return false;
  }
  outbox_.push_back(std::move(message));
  outbox_changed_.pulse();
  return true;
}

void Lane::receive(const json::object& message) {
  if (tunnel::message_type(message) == "hello" && !hello_received_) {
    auto hello = tunnel::Hello::from_json(message);
    if (hello.ok()) {
      agent_ = std::move(*hello);
      hello_received_ = true;
      observer_.on_lane_ready(*this);
    }
    return;
  }
  if (tunnel::message_type(message) == "retire") {
    // The Agent has a newer lane: what runs goes on, its identities are still renewed.
    retiring_ = true;
    return;
  }
  observer_.on_lane_message(*this, message);
}

io::Task<Result<std::string>> Lane::identity_field(identity::PrincipalPtr principal) {
  ContextPtr& slot = contexts_[principal->fingerprint];
  if (slot == nullptr) {
    if (contexts_.size() > tunnel::kMaxContexts) {
      contexts_.erase(principal->fingerprint);
      co_return Error(ErrorKind::TooManyRequests,
                      "too many different people use this cluster through one connection");
    }
    slot = std::make_shared<Context>();
    slot->id = next_context_++;
    slot->principal = principal;
    slot->changed = std::make_unique<io::Event>(executor_);
  }
  const ContextPtr context = slot;
  context->used = executor_.clock().now();
  if (context->ready) {
    co_return context->field;
  }
  if (!context->proving && !context->failure.has_value() && !ended_) {
    context->proving = true;
    tasks_.spawn(prove(context));
  }
  while (context->proving && !ended_) {
    co_await context->changed->wait();
  }
  if (context->ready) {
    co_return context->field;
  }
  co_return context->failure.value_or(Error(ErrorKind::Network, "the lane was lost"));
}

void Lane::forget(const identity::Principal& principal) { contexts_.erase(principal.fingerprint); }

void Lane::drain() {
  if (!session_->draining() && !ended_) {
    session_->drain();
    tasks_.spawn(end_when_idle());
  }
}

io::Task<void> Lane::end_when_idle() {
  io::StoppableSleep pause(executor_);
  while (!ended_ && session_->open_streams() > 1) {
    co_await pause.sleep(kDrainTick);
  }
  session_->close();
}

void Lane::dismiss(json::object why) {
  dismissed_ = true;
  send(std::move(why));
  tasks_.spawn(close_soon());
}

io::Task<void> Lane::close_soon() {
  if (co_await renew_sleep_.sleep(kDismissTime)) {
    session_->close();
  }
}

io::Task<void> Lane::prove(ContextPtr context) {
  auto made = tunnel::make_context(context->id, context->principal->chain, identity_.cluster_uid,
                                   exporter_);
  Result<void> verdict;
  if (made.ok()) {
    made->groups = context->principal->member_groups;
    verdict = co_await post_identity(*made);
  } else {
    verdict = std::move(made).error();
  }
  context->proving = false;
  if (verdict.ok()) {
    context->field = made->field_value();
    context->proved = executor_.clock().now();
    context->ready = true;
  } else {
    context->ready = false;
    context->failure = std::move(verdict).error();
    // The next request asks again, with a new number.
    const auto it = contexts_.find(context->principal->fingerprint);
    if (it != contexts_.end() && it->second == context) {
      contexts_.erase(it);
    }
  }
  context->changed->pulse();
}

io::Task<Result<void>> Lane::post_identity(const tunnel::IdentityContext& context) {
  CO_TRY(const http::ClientExchangePtr exchange,
         session_->open(control_head(tunnel::kIdentityPath), false));
  CO_TRY_VOID(co_await exchange->write(codec::write_json(context.to_json())));
  CO_TRY_VOID(co_await exchange->finish());
  CO_TRY(const http::ResponseHead response, co_await exchange->response());
  CO_TRY(const std::string body, co_await http::read_whole(*exchange, 4096));
  if (response.status == 200) {
    co_return Result<void>();
  }
  const ErrorKind kind = response.status == 403   ? ErrorKind::PermissionDenied
                         : response.status == 429 ? ErrorKind::TooManyRequests
                                                  : ErrorKind::Unauthenticated;
  co_return Error(kind, body);
}

io::Task<void> Lane::renew_loop() {
  while (co_await renew_sleep_.sleep(kRenewTick)) {
    const MonotonicTime now = executor_.clock().now();
    recheck_principals();
    for (auto it = contexts_.begin(); it != contexts_.end();) {
      const ContextPtr context = it->second;
      const bool wanted = context->streams > 0 || now - context->used < tunnel::kContextLifetime;
      if (context->ready && !wanted) {
        it = contexts_.erase(it);
        continue;
      }
      if (context->ready && !context->proving && now - context->proved >= kRenewAfter) {
        context->proving = true;
        tasks_.spawn(prove(context));
      }
      ++it;
    }
  }
}

void Lane::end_context(Context& context) {
  context.proving = false;
  context.ready = false;
  if (!context.failure.has_value()) {
    context.failure = Error(ErrorKind::Network, "the lane was lost");
  }
  context.changed->pulse();
}

void Lane::recheck_principals() {
  json::array revoked;
  for (auto it = contexts_.begin(); it != contexts_.end();) {
    if (directory_.still_valid(*it->second->principal).ok()) {
      ++it;
      continue;
    }
    revoked.emplace_back(static_cast<std::int64_t>(it->second->id));
    it->second->ready = false;
    it = contexts_.erase(it);
  }
  if (!revoked.empty()) {
    send({{"type", "revoke"}, {"ids", std::move(revoked)}});
  }
}

Lane::Use::Use(Lane& lane, std::string fingerprint)
    : alive_(lane.alive_), lane_(&lane), fingerprint_(std::move(fingerprint)) {
  const auto it = lane_->contexts_.find(fingerprint_);
  if (it != lane_->contexts_.end()) {
    ++it->second->streams;
  }
}

Lane::Use::~Use() {
  if (alive_.expired()) {
    return;
  }
  const auto it = lane_->contexts_.find(fingerprint_);
  if (it != lane_->contexts_.end() && it->second->streams > 0) {
    --it->second->streams;
    it->second->used = lane_->executor_.clock().now();
  }
}

}  // namespace roadstead::stub
