// SPDX-License-Identifier: Apache-2.0
#include "stub/proxy.h"

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

struct Proxy::Request {
  Request(http::ServerExchange& e, Tunnel& t, identity::PrincipalPtr p)
      : exchange(e), tunnel(t), principal(std::move(p)), body(e), body_tasks(e.executor()) {}

  http::ServerExchange& exchange;
  Tunnel& tunnel;
  identity::PrincipalPtr principal;
  Plan plan;
  std::shared_ptr<http::RequestHead> head;  // the plan's; attempts may still hold it
  FairGate::Ticket ticket;
  FairGate::Permit permit;
  bool has_body = false;  // at the start; `exchange` no longer tells once the body has been read
  RequestBody body;
  io::TaskGroup body_tasks;
  audit::RequestRecord record;
  std::vector<TriedLane> tried;
  int attempts = 0;
  bool aborted = false;
  bool watching = false;                     // its body is that of a watch, and passes
  http::ClientExchange* up = nullptr;        // the attempt that is running
  std::optional<kube::Status> last_failure;  // what the user is told when no lane is left
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

  if (plan(request, target)) {
    co_await serve_planned(request);
  } else {
    co_await fail(request);
  }
  record.attempts = request.attempts;
  record.bytes_in += request.body.bytes();
  record.took = clock_.now() - start;
  audit_.write(record);
}

// False, with the failure, for what must not be sent.
bool Proxy::plan(Request& request, std::string_view target) {
  const bool empty = request.exchange.request_ended();
  auto plan = make_plan(request.exchange.take_request(), target, empty, request.record.audit_id);
  if (!plan.ok()) {
    request.last_failure = kube::status_of(plan.error());
    return false;
  }
  request.plan = std::move(*plan);
  request.head = std::make_shared<http::RequestHead>(std::move(request.plan.head));
  request.record.verb = request.plan.info.verb;
  request.record.upgrade = request.plan.upgrade;
  return true;
}

io::Task<void> Proxy::serve_planned(Request& request) {
  const auto abort = [&request] {
    request.aborted = true;
    request.tunnel.wake();
    request.ticket.cancel();
    if (request.up != nullptr) {
      request.up->reset();
    }
  };
  const http::AbortHook on_abort(request.exchange, abort);
  const auto revoke = [&request, abort] {
    abort();
    request.exchange.reset();
  };
  const auto end_watch = [&request] {
    if (request.watching && request.up != nullptr) {
      request.up->reset();
    }
  };
  const RunningGuard running(request.tunnel, {request.principal, revoke, end_watch});
  auto permit = co_await request.tunnel.gate().enter(request.exchange.executor(),
                                                     request.principal->subject.uid,
                                                     is_lasting(request.plan), request.ticket);
  if (!permit.ok()) {
    metrics_.throttled.add();
    request.last_failure = too_many_requests(request.tunnel.cluster(), permit.error());
    co_await fail(request);
    co_return;
  }
  request.permit = std::move(*permit);
  request.has_body = !request.exchange.request_ended() && request.plan.upgrade.empty();
  if (request.has_body) {
    request.body_tasks.spawn(request.body.run());
  }
  Verdict verdict = Verdict::TryAnother;
  while (verdict == Verdict::TryAnother && !request.aborted) {
    LanePtr lane = request.attempts < kMaxAttempts ? request.tunnel.pick(request.tried) : nullptr;
    if (lane == nullptr && request.attempts < kMaxAttempts) {
      lane = co_await request.tunnel.await_lane(request.tried, request.aborted);
      if (request.aborted) {
        break;
      }
    }
    if (lane == nullptr) {
      if (!request.last_failure.has_value()) {
        request.last_failure = offline(request.tunnel.cluster());
      }
      co_await fail(request);
      break;
    }
    if (++request.attempts > 1) {
      metrics_.retries.add();
    }
    request.tunnel.grow_behind(*lane, clock_.now());
    verdict = co_await attempt(request, std::move(lane));
  }
  if (request.has_body) {
    request.body.stop();
    co_await request.body_tasks.join();
  }
}

io::Task<Proxy::Verdict> Proxy::attempt(Request& request, LanePtr lane) {
  request.tried.push_back({lane->number(), lane->agent().replica});
  const std::string& cluster = request.tunnel.cluster();
  auto field = co_await lane->identity_field(request.principal);
  if (!field.ok()) {
    if (field.error().kind() == ErrorKind::Network) {
      request.last_failure = lost_before_answer(cluster, false);
      co_return Verdict::TryAnother;
    }
    request.last_failure = identity_error(cluster, field.error());
    co_await fail(request);
    co_return Verdict::Done;
  }
  if (!request.plan.upgrade.empty() && !lane->allows_upgrades()) {
    request.last_failure =
        agent_error(cluster, tunnel::kErrorRefusedRequest, "it does not serve upgrades", false);
    co_await fail(request);
    co_return Verdict::Done;
  }
  if (request.head.use_count() > 1) {
    // The attempt before this one may not have let go of it yet.
    request.head = std::make_shared<http::RequestHead>(*request.head);
  }
  request.head->headers.set(tunnel::kIdentityField, std::move(*field));
  auto opened = lane->open(request.head, !request.has_body && request.plan.upgrade.empty());
  if (!opened.ok()) {
    request.last_failure = opened.error().kind() == ErrorKind::TooManyRequests
                               ? lanes_busy(cluster)
                               : lost_before_answer(cluster, false);
    co_return Verdict::TryAnother;
  }
  request.up = opened->get();
  const Lane::Use use(*lane, request.principal->fingerprint);
  const Verdict verdict = co_await exchange_with(request, lane, **opened);
  request.up = nullptr;
  co_return verdict;
}

io::Task<Proxy::Verdict> Proxy::exchange_with(Request& request, LanePtr lane,
                                              http::ClientExchange& up) {
  RequestBody::Attempt source(request.body);
  io::TaskGroup uploads(request.exchange.executor());
  if (request.has_body) {
    uploads.spawn(upload(source, up));
  }
  auto response = co_await up.response();
  const std::string code =
      response.ok() ? header_or_empty(response->headers, tunnel::kErrorField) : std::string();
  bool lost = !response.ok();
  Held held;
  if (!lost && code.empty() && is_held(request.plan, *response)) {
    lost = !co_await hold(up, held);
  }
  Verdict verdict = Verdict::Done;
  if (lost) {
    const bool again = (up.not_processed() && request.body.replayable()) ||
                       (request.plan.repeatable && request.attempts < 2);
    request.last_failure =
        lost_before_answer(request.tunnel.cluster(), is_write(request.record.method));
    if (again && !request.aborted) {
      verdict = Verdict::TryAnother;
    } else {
      co_await fail(request);
    }
  } else if (!code.empty()) {
    verdict = co_await on_agent_error(request, *lane, up, code);
  } else if (response->headers.has(tunnel::kUpgradedField) && request.plan.upgrade.empty()) {
    request.last_failure =
        agent_error(request.tunnel.cluster(), tunnel::kErrorFailed,
                    "it upgraded a request that asked for none", is_write(request.record.method));
    co_await fail(request);
  } else if (response->headers.has(tunnel::kUpgradedField)) {
    uploads.spawn(upload(request.exchange, up));
    co_await answer(request, up, std::move(*response));
    co_await uploads.join();
    co_return verdict;
  } else {
    request.record.status = response->status;
    tunnel::strip_response(response->headers);
    const WatchFramer::Format format =
        request.plan.watch && response->status == 200
            ? WatchFramer::format_of(header_or_empty(response->headers, "content-type"))
            : WatchFramer::Format::Opaque;
    const bool empty = held.ended && held.bytes.empty();
    auto passed = co_await request.exchange.respond(std::move(*response), empty);
    if (passed.ok() && !held.bytes.empty()) {
      request.record.bytes_out += held.bytes.size();
      passed = co_await request.exchange.write(held.bytes);
    }
    if (passed.ok() && held.ended && !empty) {
      static_cast<void>(co_await request.exchange.finish(trailers_of(up)));
    } else if (passed.ok() && !held.ended) {
      // The rest comes at the reader's pace, which must not hold up others.
      request.permit.become_lasting();
      request.head.reset();  // it is not sent again
      co_await relay_body(request, up, format);
    }
  }
  source.cancel();
  up.reset();
  co_await uploads.join();
  co_return verdict;
}

io::Task<Proxy::Verdict> Proxy::on_agent_error(Request& request, Lane& lane,
                                               http::ClientExchange& up, const std::string& code) {
  const auto words = co_await http::read_whole(up, 8192);
  const bool write = is_write(request.record.method);
  request.last_failure =
      agent_error(request.tunnel.cluster(), code, words.ok() ? *words : std::string(), write);
  if (code == tunnel::kErrorUnknownIdentity) {
    lane.forget(*request.principal);
    // The same lane will do, once: the Agent only forgot.
    if (request.attempts == 1) {
      request.tried.clear();
    }
  }
  const bool unsent = code == tunnel::kErrorUnknownIdentity || code == tunnel::kErrorUnreachable;
  const bool again =
      (unsent && request.body.replayable()) ||
      (code == tunnel::kErrorFailed && request.plan.repeatable && request.attempts < 2);
  if (again) {
    co_return Verdict::TryAnother;
  }
  co_await fail(request);
  co_return Verdict::Done;
}

// The bytes of an upgraded connection, after the Agent said that the API server answered 101.
io::Task<void> Proxy::answer(Request& request, http::ClientExchange& up, http::ResponseHead head) {
  tunnel::strip_response(head.headers);
  head.status = 101;
  head.headers.add("connection", "Upgrade");
  head.headers.add("upgrade", request.plan.upgrade == "websocket" ? "websocket" : "SPDY/3.1");
  request.record.status = 101;
  const auto responded = co_await request.exchange.respond(std::move(head));
  if (!responded.ok()) {
    up.reset();
    co_return;
  }
  const http::RelayOutcome down = co_await http::relay(up, request.exchange);
  request.record.bytes_out += down.bytes;
  if (down.end != http::RelayOutcome::End::Finished) {
    up.reset();
    request.exchange.reset();
  }
}

io::Task<void> Proxy::relay_body(Request& request, http::ClientExchange& up,
                                 WatchFramer::Format format) {
  const bool framed = format != WatchFramer::Format::Opaque;
  request.watching = framed;
  WatchFramer framer(format, buffers_);
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
