// SPDX-License-Identifier: Apache-2.0
#include "agent/keeper.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "crypto/digest.h"
#include "io/task_group.h"

namespace roadstead::agent {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kNothingToDo = hours(1);
constexpr Duration kFirstRetry = milliseconds(500);
constexpr Duration kRetryCap = seconds(30);
constexpr Duration kRefusedRetry = minutes(5);
constexpr Duration kAnswerOverTunnel = seconds(15);

}  // namespace

CredentialKeeper::CredentialKeeper(io::Executor& executor, CredentialStore& store,
                                   Leadership& leadership, Enroller& enroller, KeeperEvents& events,
                                   Random& random, std::optional<net::HostPort> hub,
                                   telemetry::Logger logger)
    : executor_(executor),
      store_(store),
      leadership_(leadership),
      enroller_(enroller),
      events_(events),
      random_(random),
      hub_(std::move(hub)),
      logger_(std::move(logger)),
      changed_(executor) {
  leadership_.on_change([this] { poke(); });
}

CredentialKeeper::~CredentialKeeper() { leadership_.on_change(nullptr); }

void CredentialKeeper::poke() {
  poked_ = true;
  changed_.pulse();
}

void CredentialKeeper::stop() {
  stopping_ = true;
  store_.close();
  poke();
}

io::Task<void> CredentialKeeper::run() {
  io::TaskGroup watching(executor_);
  watching.spawn(watch_store());
  while (!stopping_) {
    poked_ = false;
    const Duration wait = co_await step();
    io::Timer timer(executor_);
    timer.arm(wait, [this] { poke(); });
    while (!poked_ && !stopping_) {
      co_await changed_.wait();
    }
  }
  co_await watching.join();
}

io::Task<void> CredentialKeeper::watch_store() {
  while (!stopping_) {
    if (credentials_.version.empty()) {
      co_await changed_.wait();
      continue;
    }
    const auto found = co_await store_.changed(credentials_.version);
    if (stopping_) {
      co_return;
    }
    if (found.ok() && found->version != credentials_.version) {
      reload_ = true;
      poke();
    }
    // The keeper reads it first; and a failing watch is not tried in a rush.
    io::Timer timer(executor_);
    bool over = false;
    timer.arm(found.ok() ? milliseconds(200) : seconds(5), [this, &over] {
      over = true;
      changed_.pulse();
    });
    while (!over && !stopping_) {
      co_await changed_.wait();
    }
  }
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::step() {
  if (dirty_) {
    co_return co_await wait_for_save();
  }
  if (reload_) {
    if (const Wait wait = co_await reload(); reload_) {
      co_return wait;
    }
  }
  const bool dead_token = !credentials_.token.empty() && !credentials_.has_fresh_token();
  if (dead_token && leadership_.held()) {
    credentials_.token = Secret();  // the same manifest was applied again; no secret lies about
    dirty_ = true;
    co_return Wait{};
  }
  if (credentials_.has_fresh_token()) {
    co_return leadership_.held() ? co_await enrol() : kNothingToDo;
  }
  if (removed_) {
    co_return kNothingToDo;
  }
  if (!credentials_.has_certificate()) {
    co_return fail(
        {"NoRegistrationToken", store_.where() + " holds neither a certificate nor an unused token",
         "Download a new manifest for this cluster at the hub and apply it"},
        kRefusedRetry);
  }
  if (identity_ == nullptr) {
    co_return kNothingToDo;  // what is stored is unusable, as publish() said
  }
  const WallTime wall = executor_.clock().wall();
  const auto expiry = certificate_expiry();
  const bool expired = expiry.has_value() && wall >= *expiry;
  if (!expired && wall < renew_at()) {
    const Duration left = renew_at() - wall;
    co_return std::min<Duration>(left, kNothingToDo);
  }
  co_return leadership_.held() ? co_await renew(expired) : kNothingToDo;
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::reload() {
  auto loaded = co_await store_.load();
  if (!loaded.ok()) {
    Failure failure = explain_api_server_failure(loaded.error(), store_.where());
    failure.message = store_.where() + ": " + failure.message;
    co_return fail(failure, kRetryCap);
  }
  reload_ = false;
  take(std::move(*loaded));
  co_return Wait{};
}

void CredentialKeeper::take(Credentials credentials) {
  if (credentials.certificate_pem != credentials_.certificate_pem) {
    obtained_.reset();
    asked_key_.reset();
  }
  credentials_ = std::move(credentials);
  publish();
  changed_.pulse();  // the watch follows this version now
}

void CredentialKeeper::publish() {
  if (removed_ || !credentials_.has_certificate()) {
    return;
  }
  auto made = HubIdentity::make(credentials_, hub_);
  if (!made.ok()) {
    fail({"BadCredentials", store_.where() + ": " + made.error().message(),
          "Download a new manifest for this cluster at the hub and apply it"},
         kRetryCap);
    return;
  }
  if (identity_ == nullptr || identity_->content != (*made)->content) {
    identity_ = std::move(*made);
    logger_.info("certificate in use",
                 {{"serial", identity_->certificate.serial_hex()},
                  {"expires", format_rfc3339(identity_->certificate.not_after())}});
    events_.on_identity(identity_);
  }
}

std::optional<WallTime> CredentialKeeper::certificate_expiry() const {
  if (identity_ == nullptr) {
    return std::nullopt;
  }
  return identity_->certificate.not_after();
}

WallTime CredentialKeeper::renew_at() const {
  if (identity_ == nullptr) {
    return WallTime::min();
  }
  const WallTime end = identity_->certificate.not_after();
  const WallTime start = obtained_.value_or(identity_->certificate.not_before());
  return end - (end - start) / 3;
}

CredentialKeeper::Wait CredentialKeeper::fail(const Failure& failure, Duration cap) {
  logger_.warn("no certificate yet", {{"reason", failure.reason}, {"error", failure.message}});
  events_.on_keeper_failure(failure);
  Duration limit = kFirstRetry;
  for (unsigned i = 0; i < failures_ && limit < cap; ++i) {
    limit *= 2;
  }
  ++failures_;
  limit = cap == kRefusedRetry ? cap : std::min(limit, cap);
  return limit / 4 + Duration(static_cast<Duration::rep>(random_.unit() * 0.75 *
                                                         static_cast<double>(limit.count())));
}

CredentialKeeper::Wait CredentialKeeper::fail_at_hub(const Error& error) {
  if (!is_answer_of_hub(error)) {
    const std::string hub = hub_.has_value() ? net::format_host_port(*hub_) : credentials_.hub;
    return fail(explain_hub_failure(error, hub), kRetryCap);
  }
  const Failure failure = explain_enrolment_failure(error, credentials_.cluster);
  if (error.kind() == ErrorKind::Gone) {
    become_removed(error.message());
    return kNothingToDo;
  }
  const bool refused = error.kind() == ErrorKind::Unauthenticated ||
                       error.kind() == ErrorKind::Conflict ||
                       error.kind() == ErrorKind::PermissionDenied;
  return fail(failure, refused ? kRefusedRetry : kRetryCap);
}

void CredentialKeeper::become_removed(const std::string& words) {
  removed_ = true;
  identity_ = nullptr;
  asked_key_.reset();
  logger_.warn("the hub has removed this cluster", {{"message", words}});
  events_.on_keeper_failure(
      explain_enrolment_failure(Error(ErrorKind::Gone, words), credentials_.cluster));
  events_.on_removed();
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::enrol() {
  std::optional<crypto::PrivateKey> key;
  if (!credentials_.next_key_pem.empty()) {
    if (auto kept = crypto::PrivateKey::from_pem(credentials_.next_key_pem); kept.ok()) {
      key = std::move(*kept);
    }
  }
  if (!key.has_value()) {
    key = crypto::PrivateKey::generate_p256();
    Credentials next = credentials_;
    next.next_key_pem = key->pem();
    auto saved = co_await store_.save(std::move(next));
    if (!saved.ok()) {
      reload_ = true;
      co_return fail({"CredentialsNotSaved", store_.where() + ": " + saved.error().message(),
                      "Apply the manifest again, so that the Agent may update its Secret"},
                     kRetryCap);
    }
    take(std::move(*saved));
  }
  const auto answer = co_await enroller_.enrol(credentials_, *key, events_.facts());
  if (!answer.ok()) {
    if (answer.error().kind() == ErrorKind::Unauthenticated && is_answer_of_hub(answer.error()) &&
        identity_ != nullptr) {
      // A stale manifest was applied over a registration that works.
      logger_.warn("token refused, the certificate stays", {{"error", answer.error().message()}});
      credentials_.used_token = crypto::sha256_hex(credentials_.token.reveal());
      credentials_.token = Secret();
      dirty_ = true;
      co_return Wait{};
    }
    co_return fail_at_hub(answer.error());
  }
  removed_ = false;
  co_return adopt(*answer, *key, true);
}

CredentialKeeper::Wait CredentialKeeper::adopt(const EnrolmentAnswer& answer,
                                               const crypto::PrivateKey& key, bool used_token) {
  auto next = answer.apply(credentials_, key);
  if (!next.ok()) {
    return fail({"BadCertificate", next.error().message(), "Ask the hub's administrator"},
                kRetryCap);
  }
  if (used_token) {
    next->used_token = crypto::sha256_hex(next->token.reveal());
    next->token = Secret();
  }
  credentials_ = std::move(*next);
  obtained_ = executor_.clock().wall();
  asked_key_.reset();
  failures_ = 0;
  dirty_ = true;
  events_.on_keeper_well();
  publish();
  return Wait{};
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::renew(bool expired) {
  if (asked_key_.has_value() && now() - asked_at_ < kAnswerOverTunnel) {
    co_return kAnswerOverTunnel - (now() - asked_at_);
  }
  const bool unanswered = asked_key_.has_value();
  asked_key_.reset();
  if (!expired && !unanswered) {
    crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
    const auto csr = crypto::CertificateSigningRequest::create_pem(key, credentials_.cluster);
    if (csr.ok() && events_.send_to_hub({{"type", "renew"}, {"csr", *csr}})) {
      asked_key_ = std::move(key);
      asked_at_ = now();
      co_return kAnswerOverTunnel;
    }
  }
  co_return co_await post_renewal();
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::post_renewal() {
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  const auto answer = co_await enroller_.renew(credentials_, key);
  if (!answer.ok()) {
    co_return fail_at_hub(answer.error());
  }
  co_return adopt(*answer, key, false);
}

io::Task<CredentialKeeper::Wait> CredentialKeeper::wait_for_save() {
  const auto saved = co_await save();
  if (saved.ok()) {
    failures_ = 0;
    co_return Wait{};
  }
  co_return fail({"CredentialsNotSaved", store_.where() + ": " + saved.error().message(),
                  "The Agent works, but would have to be registered again after a restart"},
                 kRetryCap);
}

// What this process got from the hub wins over what is stored, except for what only the owner
// writes.
io::Task<Result<void>> CredentialKeeper::save() {
  auto saved = co_await store_.save(credentials_);
  if (!saved.ok() && saved.error().kind() == ErrorKind::Conflict) {
    CO_TRY(const Credentials stored, co_await store_.load());
    if (stored.cluster_uid != credentials_.cluster_uid) {
      dirty_ = false;  // another registration now: ours is history
      reload_ = true;
      co_return Result<void>();
    }
    credentials_.version = stored.version;
    credentials_.hub = stored.hub;
    credentials_.token = stored.has_fresh_token() ? stored.token : Secret();
    saved = co_await store_.save(credentials_);
  }
  if (!saved.ok()) {
    co_return std::move(saved).error();
  }
  dirty_ = false;
  credentials_ = std::move(*saved);
  publish();  // the owner may have changed the hub's address
  changed_.pulse();
  co_return Result<void>();
}

bool CredentialKeeper::on_hub_message(const codec::json::object& message) {
  const std::string_view type = tunnel::message_type(message);
  if (type == "certificate") {
    take_answer(message);
  } else if (type == "renew-failed") {
    const std::string words(codec::string_at(codec::json::value(message), {"message"}));
    logger_.warn("renewal refused", {{"message", words}});
    asked_at_ = now();  // asked again after a pause, by POST
  } else if (type == "bundle") {
    take_bundle(message);
  } else if (type == "removed") {
    const std::string words(codec::string_at(codec::json::value(message), {"message"}));
    become_removed(words.empty() ? "the cluster was removed at the hub" : words);
  } else {
    return false;
  }
  poke();
  return true;
}

void CredentialKeeper::take_answer(const codec::json::object& message) {
  const auto answer = EnrolmentAnswer::from_json(message);
  if (!asked_key_.has_value() || !answer.ok()) {
    logger_.warn("certificate from the hub ignored",
                 {{"why", answer.ok() ? "not asked for" : answer.error().message()}});
    return;
  }
  const crypto::PrivateKey key = *asked_key_;
  asked_key_.reset();
  static_cast<void>(adopt(*answer, key, false));
}

// New roots count because they came over a tunnel that the old ones verified.
void CredentialKeeper::take_bundle(const codec::json::object& message) {
  const codec::json::value value(message);
  Credentials next = credentials_;
  if (const auto users = codec::string_at(value, {"userRoots"}); !users.empty()) {
    next.user_roots_pem = users;
  }
  if (const auto hubs = codec::string_at(value, {"hubRoots"}); !hubs.empty()) {
    next.hub_roots_pem = hubs;
  }
  const auto made = HubIdentity::make(next, hub_);
  if (!made.ok()) {
    logger_.warn("bundle from the hub ignored", {{"why", made.error().message()}});
    return;
  }
  if (identity_ != nullptr && (*made)->content == identity_->content) {
    return;
  }
  credentials_ = std::move(next);
  dirty_ = dirty_ || leadership_.held();
  publish();
}

}  // namespace roadstead::agent
