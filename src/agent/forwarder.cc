// SPDX-License-Identifier: Apache-2.0
#include "agent/forwarder.h"

#include "base/ascii.h"
#include "http/relay.h"
#include "io/task_group.h"
#include "kube/query.h"
#include "tunnel/header_rules.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(10);

// A request that breaks off is seen by the abort hook; one that is not read to its end because the
// answer is complete needs no more.
io::Task<void> upload(http::ServerExchange& from, http::ClientExchange& to) {
  static_cast<void>(co_await http::relay(from, to, http::Trailers::Drop));
}

enum class Lasting : unsigned char { No, Watch, Follow };

// Whether the answer may go on for hours. The parser runs only when the words are there at all.
Lasting lasting(std::string_view target) {
  const auto [path, text] = kube::split_target(target);
  if (path.find("/watch/") != std::string_view::npos) {
    return Lasting::Watch;  // the old form; a wrong guess costs nothing but a connection
  }
  if (text.find("watch") == std::string_view::npos &&
      text.find("follow") == std::string_view::npos) {
    return Lasting::No;
  }
  const kube::Query query = kube::Query::parse(text);
  return query.get_bool("watch")    ? Lasting::Watch
         : query.get_bool("follow") ? Lasting::Follow
                                    : Lasting::No;
}

// A 101 to what was asked for, and to nothing else.
bool is_switch(const http::ResponseHead& response, std::string_view protocol) {
  const std::string* upgrade = response.headers.find("upgrade");
  return response.status == 101 && response.headers.count("upgrade") == 1 &&
         ascii::equals_ignore_case(ascii::trim(*upgrade), protocol) &&
         response.headers.has_token("connection", "upgrade");
}

// What the API server's answer becomes on the lane.
http::ResponseHead lane_head(http::ResponseHead from_upstream, bool upgraded) {
  tunnel::strip_response(from_upstream.headers);
  if (upgraded) {
    from_upstream.status = 200;
    from_upstream.headers.add(std::string(tunnel::kUpgradedField), "1");
  }
  return from_upstream;
}

}  // namespace

Result<http::RequestHead> build_upstream_head(http::RequestHead from_lane,
                                              const IdentityTable::Identity& identity) {
  if (const auto name = tunnel::find_impersonation(from_lane.headers)) {
    return Error(ErrorKind::InvalidArgument, "the request carries \"" + *name + "\"");
  }
  http::RequestHead head;
  head.method = std::move(from_lane.method);
  head.target = std::move(from_lane.target);
  head.headers = std::move(from_lane.headers);
  if (!from_lane.protocol.empty()) {
    const std::string* method = head.headers.find(tunnel::kMethodField);
    if (method == nullptr || (*method != "GET" && *method != "POST")) {
      return Error(ErrorKind::InvalidArgument, "an upgrade without rs-method");
    }
    if (from_lane.protocol != "websocket" && from_lane.protocol != "spdy/3.1") {
      return Error(ErrorKind::InvalidArgument, "only upgrades to websocket and SPDY/3.1 are known");
    }
    head.method = *method;
  }
  const std::string* audit_id = head.headers.find("audit-id");
  const std::string request_id = audit_id != nullptr ? *audit_id : std::string();
  tunnel::strip_request(head.headers);
  if (!from_lane.protocol.empty()) {
    head.headers.add("connection", "Upgrade");
    head.headers.add("upgrade", from_lane.protocol == "spdy/3.1" ? "SPDY/3.1" : "websocket");
  }
  if (identity.user.empty() || !http::is_field_value(identity.user)) {
    return Error(ErrorKind::InvalidArgument, "the identity's user is no header value");
  }
  if (!request_id.empty()) {
    head.headers.add("audit-id", request_id);
    // Never indexed: as the audit id, it differs with every request.
    head.headers.add("impersonate-extra-roadstead.io%2frequest-id", request_id, true);
  }
  for (const std::string& group : identity.groups) {
    if (group.empty() || !http::is_field_value(group)) {
      return Error(ErrorKind::InvalidArgument, "a group of the identity is no header value");
    }
    head.headers.add("impersonate-group", group);
  }
  head.headers.add("impersonate-user", identity.user);
  return head;
}

io::Task<void> answer_error(http::ServerExchange& exchange, std::string_view code,
                            std::string_view message) {
  http::ResponseHead head;
  head.status = 502;
  head.headers.add(std::string(tunnel::kErrorField), std::string(code));
  head.headers.add("content-type", "text/plain; charset=utf-8");
  co_await http::send_whole(exchange, std::move(head), message.substr(0, 4096));
}

// Puts a running watch on the list of those that a drain ends.
class Forwarder::WatchGuard {
 public:
  WatchGuard(Watches& watches, UniqueFunction<void()> end)
      : watches_(watches), position_(watches.insert(watches.end(), std::move(end))) {}
  ~WatchGuard() { watches_.erase(position_); }
  WatchGuard(const WatchGuard&) = delete;
  WatchGuard& operator=(const WatchGuard&) = delete;

 private:
  Watches& watches_;
  Watches::iterator position_;
};

void Forwarder::end_watches() {
  // The callbacks only ask for a reset, so the list does not change under the loop.
  for (const auto& end : watches_) {
    end();
  }
}

struct Forwarder::Attempt {
  explicit Attempt(io::Executor& executor) : uploads(executor) {}

  // The identity may end, and the user leave, while the connection is being made.
  void stop() {
    ended = true;
    if (up != nullptr) {
      up->reset();
    }
  }

  std::unique_ptr<IdentityTable::StreamGuard> identity;
  http::ClientExchangePtr up;  // once it is open
  bool ended = false;          // from our side: nobody waits for the answer any more
  bool upgraded = false;
  std::optional<WatchGuard> watch;
  io::TaskGroup uploads;
};

io::Task<void> Forwarder::answer_not_opened(http::ServerExchange& exchange, const Error& error) {
  // Of these two alone it is not known that nothing was sent.
  const bool perhaps_sent =
      error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Network;
  const bool refused = error.kind() == ErrorKind::PermissionDenied;
  (refused ? metrics_.refused : metrics_.unreachable).add();
  logger_.warn("api server not reached", {{"error", error.message()}});
  co_await answer_error(exchange,
                        refused        ? tunnel::kErrorRefusedRequest
                        : perhaps_sent ? tunnel::kErrorFailed
                                       : tunnel::kErrorUnreachable,
                        error.message());
}

// What is needed until the answer passes is in begin(), which ends before a watch waits.
io::Task<void> Forwarder::serve(http::ServerExchange& exchange, IdentityTable& identities) {
  Attempt attempt(exchange.executor());
  const http::AbortHook on_abort(exchange, [&attempt] { attempt.stop(); });
  if (co_await begin(exchange, identities, attempt)) {
    const http::RelayOutcome outcome = co_await http::relay(*attempt.up, exchange);
    co_await end(exchange, attempt, outcome.end == http::RelayOutcome::End::Finished);
  }
}

io::Task<bool> Forwarder::begin(http::ServerExchange& exchange, IdentityTable& identities,
                                Attempt& attempt) {
  const http::RequestHead& request = exchange.request();
  const std::string* field = request.headers.find(tunnel::kIdentityField);
  std::uint64_t context_id = 0;
  const auto identity = identities.find(
      field != nullptr ? std::string_view(*field) : std::string_view(), &context_id);
  if (!identity.ok()) {
    metrics_.refused.add();
    co_await answer_error(exchange, tunnel::kErrorUnknownIdentity, identity.error().message());
    co_return false;
  }
  const std::string upgrade = request.protocol;
  auto head = build_upstream_head(exchange.take_request(), **identity);
  if (!head.ok()) {
    metrics_.refused.add();
    co_await answer_error(exchange, tunnel::kErrorRefusedRequest, head.error().message());
    co_return false;
  }
  attempt.identity = identities.attach(context_id, [&attempt] { attempt.stop(); });
  co_return co_await open(exchange, std::move(*head), upgrade, attempt) &&
      co_await begin_answer(exchange, upgrade, attempt);
}

io::Task<bool> Forwarder::open(http::ServerExchange& exchange, http::RequestHead head,
                               const std::string& upgrade, Attempt& attempt) {
  const Deadline connect = Deadline::after(clock_, kConnectTimeout);
  const bool end = exchange.request_ended() && upgrade.empty();
  const Lasting lasts = lasting(head.target);
  auto opened = !upgrade.empty()
                    ? co_await upstream_.open_upgrade(std::move(head), connect)
                    : co_await upstream_.open(std::move(head), end, lasts != Lasting::No, connect);
  if (opened.ok() && attempt.ended) {
    metrics_.refused.add();
    (*opened)->reset();
    co_await answer_error(exchange, tunnel::kErrorFailed, "the identity of the request has ended");
    co_return false;
  }
  if (!opened.ok()) {
    co_await answer_not_opened(exchange, opened.error());
    co_return false;
  }
  attempt.up = std::move(*opened);
  if (lasts == Lasting::Watch && upgrade.empty()) {
    attempt.watch.emplace(watches_, [&attempt] { attempt.up->reset(); });
  }
  // An upgrade's bytes start only after a correct 101: before it they could become a second
  // request.
  if (!end && upgrade.empty()) {
    attempt.uploads.spawn(upload(exchange, *attempt.up));
  }
  co_return true;
}

io::Task<bool> Forwarder::begin_answer(http::ServerExchange& exchange, const std::string& upgrade,
                                       Attempt& attempt) {
  http::ClientExchange& up = *attempt.up;
  auto response = co_await up.response();
  attempt.upgraded = !upgrade.empty() && response.ok() && is_switch(*response, upgrade);
  std::optional<Error> failure;
  std::string_view code = tunnel::kErrorFailed;
  if (!response.ok()) {
    failure = std::move(response).error();
    code = up.not_processed() ? tunnel::kErrorUnreachable : tunnel::kErrorFailed;
  } else if (response->status == 401) {
    upstream_.credential_refused();
    failure = Error(ErrorKind::Upstream, "the API server refused the Agent's own credential (401)");
    code = tunnel::kErrorCredential;
  } else if (auto redirect = tunnel::check_redirect(response->status, response->headers);
             !redirect.ok()) {
    failure = std::move(redirect).error();
  } else if (response->status == 101 && !attempt.upgraded) {
    failure = Error(ErrorKind::Upstream, "the API server switched to a protocol nobody asked for");
  } else if (!upgrade.empty() && response->status >= 300 && response->status < 400) {
    failure = Error(ErrorKind::Upstream, "the API server redirected an upgrade, which is refused");
  }
  if (failure.has_value()) {
    metrics_.failed.add();
    up.reset();
    exchange.stop_reading();
    co_await attempt.uploads.join();
    co_await answer_error(exchange, code, failure->message());
    co_return false;
  }
  const auto responded =
      co_await exchange.respond(lane_head(std::move(*response), attempt.upgraded));
  if (!responded.ok()) {
    co_await end(exchange, attempt, false);
    co_return false;
  }
  if (attempt.upgraded) {
    attempt.uploads.spawn(upload(exchange, up));
  }
  co_return true;
}

io::Task<void> Forwarder::end(http::ServerExchange& exchange, Attempt& attempt, bool complete) {
  (complete ? metrics_.answered : metrics_.broken_off).add();
  if (!complete) {
    attempt.up->reset();
    exchange.reset();
  } else if (!attempt.upgraded) {
    exchange.stop_reading();
  }
  co_await attempt.uploads.join();
}

}  // namespace roadstead::agent
