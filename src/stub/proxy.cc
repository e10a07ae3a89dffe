// SPDX-License-Identifier: Apache-2.0
#include "stub/proxy.h"

#include "base/block_pool.h"
#include "http/relay.h"
#include "stub/answers.h"
#include "stub/plan.h"
#include "stub/request_body.h"
#include "stub/watch_framer.h"
#include "tunnel/header_rules.h"
#include "tunnel/protocol.h"

namespace roadstead::stub {
namespace {

constexpr int kMaxAttempts = 3;

bool is_write(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

// Takes no place from requests that are soon over: see FairGate.
bool is_lasting(const Plan& plan) {
  const std::string& sub = plan.info.subresource;
  return plan.watch || !plan.upgrade.empty() || sub == "log" || sub == "proxy" ||
         plan.info.verb == "proxy";
}

// The beginning of an answer that the user has not seen anything of yet.
struct Held {
  std::string bytes;
  bool ended = false;
};

// Answers that come in one piece are held until they are whole, or too long to hold: a lane that
// dies in between can then be replaced unseen, or its loss be told in words when it was a write.
constexpr std::size_t kMaxHeld = 64 * 1024;

bool is_held(const Plan& plan, const http::ResponseHead& answer) {
  if (!plan.info.is_resource || !plan.info.subresource.empty() || !plan.upgrade.empty()) {
    return false;
  }
  return plan.repeatable ? plan.info.verb == "get" || plan.info.verb == "list"
                         : answer.headers.has("content-length");  // no stream of its own kind
}

// False when the lane was lost.
ROADSTEAD_OWN_FRAME io::Task<bool> hold(http::BodySource& from, Held& held) {
  while (!held.ended && held.bytes.size() < kMaxHeld) {
    auto chunk = co_await from.read();
    if (!chunk.ok()) {
      co_return false;
    }
    held.ended = chunk->empty();
    held.bytes += *chunk;
  }
  co_return true;
}

// A member's trailers follow the rules of its header fields.
http::Headers trailers_of(const http::ClientExchange& up) {
  http::Headers trailers = up.trailers();
  tunnel::strip_response(trailers);
  return trailers;
}

std::string header_or_empty(const http::Headers& headers, std::string_view name) {
  const std::string* value = headers.find(name);
  return value != nullptr ? *value : std::string();
}

io::Task<void> upload(http::BodySource& from, http::ClientExchange& to) {
  static_cast<void>(co_await http::relay(from, to, http::Trailers::Drop));
}

}  // namespace

struct Proxy::Planned : Pooled {
  explicit Planned(Plan p)
      : plan(std::move(p)), head(std::make_shared<http::RequestHead>(std::move(plan.head))) {}

  Plan plan;
  std::shared_ptr<http::RequestHead> head;  // the plan's; attempts may still hold it
  std::vector<TriedLane> tried;
};

struct Proxy::Body : Pooled {
  explicit Body(http::ServerExchange& exchange) : bytes(exchange), tasks(exchange.executor()) {
    tasks.spawn(bytes.run());
  }

  RequestBody bytes;
  io::TaskGroup tasks;
};

// What one attempt has opened.
struct Proxy::Attempt {
  Attempt(LanePtr l, http::ClientExchangePtr u, const identity::Principal& principal,
          io::Executor& executor)
      : lane(std::move(l)),
        up(std::move(u)),
        use(*lane, principal.fingerprint),
        uploads(executor) {}

  LanePtr lane;
  http::ClientExchangePtr up;
  Lane::Use use;
  std::optional<RequestBody::Attempt> source;
  io::TaskGroup uploads;
};

struct Proxy::Request final : Tunnel::Running {
  Request(http::ServerExchange& e, Tunnel& t, identity::PrincipalPtr p)
      : Running(std::move(p)), exchange(e), tunnel(t) {}

  void fail_with(kube::Status status) {
    last_failure = std::make_unique<kube::Status>(std::move(status));
  }
  bool can_send_again() const { return body == nullptr || body->bytes.replayable(); }
  void abort() {
    aborted = true;
    tunnel.wake();
    ticket.cancel();
    if (current.has_value()) {
      current->up->reset();
    }
  }
  void revoke() override {
    abort();
    exchange.reset();
  }
  void end_watch() override {
    if (watching && current.has_value()) {
      current->up->reset();
    }
  }

  http::ServerExchange& exchange;
  Tunnel& tunnel;
  std::unique_ptr<Planned> planned;
  FairGate::Ticket ticket;
  FairGate::Permit permit;
  std::unique_ptr<Body> body;  // when it had one at the start
  audit::RequestRecord record;
  int attempts = 0;
  bool aborted = false;
  bool watching = false;           // its body is that of a watch, and passes
  std::optional<Attempt> current;  // the attempt that is running
  WatchFramer::Format format = WatchFramer::Format::Opaque;
  std::unique_ptr<kube::Status> last_failure;  // what the user is told when no lane is left
};

io::Task<void> Proxy::serve(http::ServerExchange& exchange, Tunnel& tunnel,
                            identity::PrincipalPtr principal, std::string target) {
  metrics_.requests.add();
  Request request(exchange, tunnel, std::move(principal));
  audit::RequestRecord& record = request.record;
  const MonotonicTime start = clock_.now();
  record.audit_id = random_.uuid_v4();
  record.started = clock_.wall();
  record.user = request.principal->subject.name;
  record.credential_serial = request.principal->credential_serial;
  record.source_address = exchange.connection().peer_address;
  record.cluster = tunnel.cluster();
  record.method = exchange.request().method;
  record.path = target.substr(0, target.find('?'));
  record.user_agent = header_or_empty(exchange.request().headers, "user-agent");

  const bool planned = plan(request, target);
  target = {};
  if (planned) {
    co_await serve_planned(request);
  } else {
    co_await fail(request);
  }
  record.attempts = request.attempts;
  record.bytes_in += request.body != nullptr ? request.body->bytes.bytes() : 0;
  record.took = clock_.now() - start;
  audit_.write(record);
}

// False, with the failure, for what must not be sent.
bool Proxy::plan(Request& request, std::string_view target) {
  const bool empty = request.exchange.request_ended();
  auto plan = make_plan(request.exchange.take_request(), target, empty, request.record.audit_id);
  if (!plan.ok()) {
    request.fail_with(kube::status_of(plan.error()));
    return false;
  }
  request.record.verb = plan->info.verb;
  request.record.upgrade = plan->upgrade;
  request.planned = std::make_unique<Planned>(std::move(*plan));
  return true;
}

io::Task<void> Proxy::serve_planned(Request& request) {
  const http::AbortHook on_abort(request.exchange, [&request] { request.abort(); });
  const RunningGuard running(request.tunnel, request);
  if (co_await begin(request) == Verdict::Passes) {
    // The rest comes at the reader's pace, which must not hold up others. It is not sent again.
    request.permit.become_lasting();
    request.planned.reset();
    if (request.record.upgrade.empty()) {
      co_await pass_body(request);
    } else {
      co_await pass_upgraded(request);
    }
    co_await end_attempt(request);
  }
  if (request.body != nullptr) {
    request.body->bytes.stop();
    co_await request.body->tasks.join();
  }
}

io::Task<Proxy::Verdict> Proxy::begin(Request& request) {
  auto permit = co_await request.tunnel.gate().enter(
      request.exchange.executor(), request.principal->subject.uid,
      is_lasting(request.planned->plan), request.ticket);
  if (!permit.ok()) {
    metrics_.throttled.add();
    request.fail_with(too_many_requests(request.tunnel.cluster(), permit.error()));
    co_await fail(request);
    co_return Verdict::Done;
  }
  request.permit = std::move(*permit);
  if (!request.exchange.request_ended() && request.record.upgrade.empty()) {
    request.body = std::make_unique<Body>(request.exchange);
  }
  Verdict verdict = Verdict::TryAnother;
  while (verdict == Verdict::TryAnother && !request.aborted) {
    LanePtr lane = co_await lane_for(request);
    verdict = lane != nullptr ? co_await attempt(request, std::move(lane)) : Verdict::Done;
  }
  co_return verdict;
}

// None, with the user told so, when there is none; none when the user has left.
io::Task<LanePtr> Proxy::lane_for(Request& request) {
  std::vector<TriedLane>& tried = request.planned->tried;
  LanePtr lane;
  if (request.attempts < kMaxAttempts) {
    lane = request.tunnel.pick(tried);
    if (lane == nullptr) {
      lane = co_await request.tunnel.await_lane(tried, request.aborted);
    }
  }
  if (request.aborted) {
    co_return nullptr;
  }
  if (lane == nullptr) {
    if (request.last_failure == nullptr) {
      request.fail_with(offline(request.tunnel.cluster()));
    }
    co_await fail(request);
    co_return nullptr;
  }
  if (++request.attempts > 1) {
    metrics_.retries.add();
  }
  request.tunnel.grow_behind(*lane, clock_.now());
  co_return lane;
}

io::Task<Proxy::Verdict> Proxy::attempt(Request& request, LanePtr lane) {
  Planned& planned = *request.planned;
  planned.tried.push_back({lane->number(), lane->agent().replica});
  const std::string& cluster = request.tunnel.cluster();
  auto field = co_await lane->identity_field(request.principal);
  if (request.aborted) {
    co_return Verdict::Done;
  }
  if (!field.ok()) {
    if (field.error().kind() == ErrorKind::Network) {
      request.fail_with(lost_before_answer(cluster, false));
      co_return Verdict::TryAnother;
    }
    request.fail_with(identity_error(cluster, field.error()));
    co_await fail(request);
    co_return Verdict::Done;
  }
  const bool upgrades = !planned.plan.upgrade.empty();
  if (upgrades && !lane->allows_upgrades()) {
    request.fail_with(
        agent_error(cluster, tunnel::kErrorRefusedRequest, "it does not serve upgrades", false));
    co_await fail(request);
    co_return Verdict::Done;
  }
  if (planned.head.use_count() > 1) {
    // The attempt before this one may not have let go of it yet.
    planned.head = std::make_shared<http::RequestHead>(*planned.head);
  }
  planned.head->headers.set(tunnel::kIdentityField, std::move(*field));
  auto opened = lane->open(planned.head, request.body == nullptr && !upgrades);
  if (!opened.ok()) {
    request.fail_with(opened.error().kind() == ErrorKind::TooManyRequests
                          ? lanes_busy(cluster)
                          : lost_before_answer(cluster, false));
    co_return Verdict::TryAnother;
  }
  request.current.emplace(std::move(lane), std::move(*opened), *request.principal,
                          request.exchange.executor());
  const Verdict verdict = co_await exchange_with(request);
  if (verdict != Verdict::Passes) {
    co_await end_attempt(request);
  }
  co_return verdict;
}

io::Task<Proxy::Verdict> Proxy::exchange_with(Request& request) {
  Attempt& attempt = *request.current;
  const Plan& plan = request.planned->plan;
  if (request.body != nullptr) {
    attempt.source.emplace(request.body->bytes);
    attempt.uploads.spawn(upload(*attempt.source, *attempt.up));
  }
  auto response = co_await attempt.up->response();
  const std::string code =
      response.ok() ? header_or_empty(response->headers, tunnel::kErrorField) : std::string();
  if (!response.ok()) {
    co_return co_await on_lost_lane(request);
  }
  if (!code.empty()) {
    co_return co_await on_agent_error(request, code);
  }
  if (!response->headers.has(tunnel::kUpgradedField)) {
    co_return co_await begin_answer(request, std::move(*response));
  }
  if (plan.upgrade.empty()) {
    request.fail_with(agent_error(request.tunnel.cluster(), tunnel::kErrorFailed,
                                  "it upgraded a request that asked for none",
                                  is_write(request.record.method)));
    co_await fail(request);
    co_return Verdict::Done;
  }
  attempt.uploads.spawn(upload(request.exchange, *attempt.up));
  co_return co_await begin_upgraded(request, std::move(*response));
}

io::Task<void> Proxy::end_attempt(Request& request) {
  Attempt& attempt = *request.current;
  if (attempt.source.has_value()) {
    attempt.source->cancel();
  }
  attempt.up->reset();
  co_await attempt.uploads.join();
  request.current.reset();
}

io::Task<Proxy::Verdict> Proxy::on_lost_lane(Request& request) {
  const bool again = (request.current->up->not_processed() && request.can_send_again()) ||
                     (request.planned->plan.repeatable && request.attempts < 2);
  request.fail_with(lost_before_answer(request.tunnel.cluster(), is_write(request.record.method)));
  if (again && !request.aborted) {
    co_return Verdict::TryAnother;
  }
  co_await fail(request);
  co_return Verdict::Done;
}

io::Task<Proxy::Verdict> Proxy::begin_answer(Request& request, http::ResponseHead head) {
  http::ClientExchange& up = *request.current->up;
  const Plan& plan = request.planned->plan;
  Held held;
  if (is_held(plan, head) && !co_await hold(up, held)) {
    co_return co_await on_lost_lane(request);
  }
  request.record.status = head.status;
  tunnel::strip_response(head.headers);
  if (plan.watch && head.status == 200) {
    request.format = WatchFramer::format_of(header_or_empty(head.headers, "content-type"));
  }
  const bool empty = held.ended && held.bytes.empty();
  auto passed = co_await request.exchange.respond(std::move(head), empty);
  if (passed.ok() && !held.bytes.empty()) {
    request.record.bytes_out += held.bytes.size();
    passed = co_await request.exchange.write(held.bytes);
  }
  if (passed.ok() && held.ended && !empty) {
    static_cast<void>(co_await request.exchange.finish(trailers_of(up)));
  }
  co_return passed.ok() && !held.ended ? Verdict::Passes : Verdict::Done;
}

io::Task<Proxy::Verdict> Proxy::on_agent_error(Request& request, const std::string& code) {
  const auto words = co_await http::read_whole(*request.current->up, 8192);
  const bool write = is_write(request.record.method);
  request.fail_with(
      agent_error(request.tunnel.cluster(), code, words.ok() ? *words : std::string(), write));
  if (code == tunnel::kErrorUnknownIdentity) {
    request.current->lane->forget(*request.principal);
    // The same lane will do, once: the Agent only forgot.
    if (request.attempts == 1) {
      request.planned->tried.clear();
    }
  }
  const bool unsent = code == tunnel::kErrorUnknownIdentity || code == tunnel::kErrorUnreachable;
  const bool again =
      (unsent && request.can_send_again()) ||
      (code == tunnel::kErrorFailed && request.planned->plan.repeatable && request.attempts < 2);
  if (again) {
    co_return Verdict::TryAnother;
  }
  co_await fail(request);
  co_return Verdict::Done;
}

// After the Agent said that the API server answered 101.
io::Task<Proxy::Verdict> Proxy::begin_upgraded(Request& request, http::ResponseHead head) {
  tunnel::strip_response(head.headers);
  head.status = 101;
  head.headers.add("connection", "Upgrade");
  head.headers.add("upgrade", request.record.upgrade == "websocket" ? "websocket" : "SPDY/3.1");
  request.record.status = 101;
  const auto responded = co_await request.exchange.respond(std::move(head));
  co_return responded.ok() ? Verdict::Passes : Verdict::Done;
}

// The bytes of an upgraded connection.
io::Task<void> Proxy::pass_upgraded(Request& request) {
  http::ClientExchange& up = *request.current->up;
  const http::RelayOutcome down = co_await http::relay(up, request.exchange);
  request.record.bytes_out += down.bytes;
  if (down.end != http::RelayOutcome::End::Finished) {
    up.reset();
    request.exchange.reset();
  }
  co_await request.current->uploads.join();
}

io::Task<void> Proxy::pass_body(Request& request) {
  http::ClientExchange& up = *request.current->up;
  const bool framed = request.format != WatchFramer::Format::Opaque;
  request.watching = framed;
  WatchFramer framer(request.format, buffers_);
  for (;;) {
    auto chunk = co_await up.read();
    if (!chunk.ok()) {
      // A watch ends cleanly between objects, so that the reflector goes on where it was.
      if (framed && framer.may_end() && !request.aborted) {
        static_cast<void>(co_await request.exchange.finish());
      } else {
        request.record.reason = chunk.error().message();
        request.exchange.reset();
      }
      co_return;
    }
    const bool end = chunk->empty();
    const std::string out = !framed ? std::move(*chunk)
                            : end   ? framer.take_rest()
                                    : framer.feed(std::move(*chunk));
    if (!out.empty()) {
      request.record.bytes_out += out.size();
      const auto written = co_await request.exchange.write(out);
      if (!written.ok()) {
        co_return;
      }
    }
    if (end) {
      static_cast<void>(co_await request.exchange.finish(trailers_of(up)));
      co_return;
    }
  }
}

io::Task<void> Proxy::fail(Request& request) {
  if (request.aborted) {
    co_return;
  }
  metrics_.failures.add();
  request.record.status = request.last_failure->code;
  request.record.reason = request.last_failure->message;
  co_await answer_status(request.exchange, *request.last_failure);
}

}  // namespace roadstead::stub
