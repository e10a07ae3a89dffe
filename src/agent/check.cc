// SPDX-License-Identifier: Apache-2.0
#include "agent/check.h"

#include <array>
#include <memory>

#include "agent/credential_stores.h"
#include "agent/http_date.h"
#include "agent/hub.h"
#include "agent/own_calls.h"
#include "agent/pooled_api_server.h"
#include "base/rfc3339.h"
#include "http/h1_connection.h"
#include "http/relay.h"
#include "io/sleep.h"
#include "tunnel/names.h"

namespace roadstead::agent {
namespace {

constexpr Duration kHubDial = std::chrono::seconds(10);
constexpr Duration kHubAnswer = std::chrono::seconds(5);
constexpr Duration kClockTolerance = std::chrono::seconds(60);

class Ladder {
 public:
  Ladder(const AgentSettings& settings, io::Shard& shard, io::BlockingPool& blocking,
         std::function<void(const CheckStep&)> print)
      : settings_(settings),
        shard_(shard),
        blocking_(blocking),
        print_(std::move(print)),
        dialer_(shard, blocking, settings.proxy) {}

  io::Task<bool> climb() {
    bool ok = co_await api_server() && co_await rights() && co_await credentials() &&
              co_await hub_reached() && co_await hub_trusted() && co_await clocks() &&
              certificate() && co_await certificate_accepted();
    if (link_ != nullptr) {
      co_await link_->close();
    }
    co_return ok;
  }

 private:
  bool pass(std::string name, std::string evidence) {
    print_({true, std::move(name), std::move(evidence), {}});
    return true;
  }
  bool fail(std::string name, const Failure& failure) {
    print_({false, std::move(name), failure.reason + ": " + failure.message, failure.fix});
    return false;
  }
  bool fail_hub(std::string name, const Error& error) {
    return fail(std::move(name), explain_hub_failure(error, hub_text()));
  }
  std::string hub_text() const { return net::format_host_port(hub_); }

  io::Task<bool> api_server();
  io::Task<bool> rights();
  io::Task<bool> credentials();
  io::Task<bool> hub_reached();
  io::Task<bool> hub_trusted();
  io::Task<bool> clocks();
  bool certificate();
  io::Task<bool> certificate_accepted();

  const AgentSettings& settings_;
  io::Shard& shard_;
  io::BlockingPool& blocking_;
  std::function<void(const CheckStep&)> print_;
  TlsHubDialer dialer_;
  std::unique_ptr<PooledApiServer> link_;
  std::unique_ptr<OwnCalls> calls_;
  Credentials credentials_;
  net::HostPort hub_;
  net::StreamPtr enrolment_;
};

io::Task<bool> Ladder::api_server() {
  const std::string name = "API server";
  auto access = read_access(settings_);
  if (!access.ok()) {
    co_return fail(name, {"ApiServerAccess", access.error().message(), {}});
  }
  const std::string origin = access->origin;
  auto link = PooledApiServer::create(std::move(*access), shard_, blocking_, {});
  if (!link.ok()) {
    co_return fail(name, {"ApiServerAccess", link.error().message(), {}});
  }
  link_ = std::move(*link);
  calls_ = std::make_unique<OwnCalls>(
      *link_, shard_, OwnNames{settings_.namespace_, settings_.secret, settings_.lease});
  const MonotonicTime start = shard_.clock().now();
  const auto ready = co_await calls_->readyz();
  if (!ready.ok()) {
    co_return fail(name, explain_api_server_failure(ready.error(), origin));
  }
  const auto version = co_await calls_->version();
  if (!version.ok()) {
    co_return fail(name, explain_api_server_failure(version.error(), origin));
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(shard_.clock().now() - start);
  co_return pass(name, net::format_host_port(link_->access().address) + ", Kubernetes " +
                           version->git_version + ", ready, " + std::to_string(took.count()) +
                           " ms (" + origin + ")");
}

io::Task<bool> Ladder::rights() {
  const std::string name = "The Agent's rights";
  std::vector<AccessQuestion> questions;
  if (settings_.in_cluster) {
    for (const char* verb : {"get", "watch", "update"}) {
      questions.push_back({verb, "", "secrets", settings_.namespace_, settings_.secret});
      questions.push_back(
          {verb, "coordination.k8s.io", "leases", settings_.namespace_, settings_.lease});
    }
  }
  std::string missing;
  for (const AccessQuestion& question : questions) {
    const auto allowed = co_await calls_->may_i(question);
    if (!allowed.ok()) {
      co_return fail(name, explain_api_server_failure(allowed.error(), link_->access().origin));
    }
    if (!*allowed) {
      missing += (missing.empty() ? "" : ", ") + question.verb + ' ' + question.resource + '/' +
                 question.name;
    }
  }
  if (!missing.empty()) {
    co_return fail(name, {"AgentLacksRights", "not allowed: " + missing,
                          "Apply the manifest again, so that the Agent has its rights"});
  }
  const auto anybody = co_await calls_->may_i({"impersonate", "", "users", "", ""});
  const std::string impersonation =
      anybody.ok() && *anybody ? "may impersonate any user"
                               : "may impersonate only those users that were granted something";
  co_return pass(name,
                 (questions.empty() ? std::string() : "own Secret and Lease; ") + impersonation);
}

io::Task<bool> Ladder::credentials() {
  const std::string name = "Registration";
  Result<Credentials> loaded = Error(ErrorKind::Internal, "");
  std::string where;
  if (settings_.in_cluster) {
    SecretCredentialStore store(*calls_, shard_);
    where = store.where();
    loaded = co_await store.load();
  } else {
    where = settings_.state_dir;
    loaded = read_state(settings_.state_dir, settings_.bootstrap, settings_.secret);
  }
  if (!loaded.ok()) {
    co_return fail(name, {"NoRegistration", where + ": " + loaded.error().message(),
                          "Download the manifest of this cluster at the hub and apply it"});
  }
  credentials_ = std::move(*loaded);
  auto stored = net::parse_host_port(credentials_.hub, "8443");
  hub_ = settings_.hub.value_or(stored.ok() ? *stored : net::HostPort{});
  co_return pass(
      name, "cluster \"" + credentials_.cluster + "\" at hub " + hub_text() + " (" + where + ")");
}

io::Task<bool> Ladder::hub_reached() {
  const bool direct =
      !settings_.proxy.proxy.has_value() || net::bypasses_proxy(settings_.proxy.no_proxy, hub_);
  const std::string name = direct ? "Hub reached" : "Hub reached through the proxy";
  const auto socket = co_await net::dial_through(shard_, blocking_, settings_.proxy, hub_,
                                                 Deadline::after(shard_.clock(), kHubDial));
  if (!socket.ok()) {
    co_return fail_hub(name, socket.error());
  }
  co_return pass(name, direct ? "connected to " + socket->peer_address()
                              : "proxy " + net::format_host_port(settings_.proxy.proxy->address) +
                                    " let us through to " + hub_text());
}

io::Task<bool> Ladder::hub_trusted() {
  const std::string name = "Hub trusted";
  auto stream = co_await dialer_.dial_enrolment(hub_, credentials_.hub_roots_pem);
  if (!stream.ok()) {
    co_return fail_hub(name, stream.error());
  }
  enrolment_ = std::move(*stream);
  co_return pass(name, enrolment_->tls()->protocol() + ", certificate of the hub's own CA for " +
                           std::string(tunnel::kEnrolmentName));
}

io::Task<bool> Ladder::clocks() {
  const std::string name = "Clocks";
  const auto client = http::H1Client::create(std::move(enrolment_), {});
  const io::DeadlineGuard guard(shard_, Deadline::after(shard_.clock(), kHubAnswer),
                                [&client] { client->close(); });
  http::RequestHead head;
  head.method = "GET";
  head.authority = tunnel::kEnrolmentName;
  head.target = "/enrol/v1/certificate";
  head.headers.add("connection", "close");
  Result<http::ResponseHead> response = Error(ErrorKind::Internal, "");
  if (auto exchange = co_await client->open(std::move(head), true); exchange.ok()) {
    response = co_await (*exchange)->response();
  } else {
    response = std::move(exchange).error();
  }
  if (!response.ok()) {
    co_return fail_hub(name, response.error());
  }
  const std::string* date = response->headers.find("date");
  const auto hub_time = date != nullptr ? parse_http_date(*date) : std::nullopt;
  if (!hub_time.has_value()) {
    co_return pass(name, "the hub does not tell its time; here it is " +
                             format_rfc3339(shard_.clock().wall()));
  }
  const Duration difference = shard_.clock().wall() - *hub_time;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(difference).count();
  const std::string text = "this machine is " + std::to_string(seconds) + " s ahead of the hub";
  if (difference > kClockTolerance || difference < -kClockTolerance) {
    co_return fail(name, {"ClockDifference", text, "Set this machine's clock, or the hub's"});
  }
  co_return pass(name, text);
}

bool Ladder::certificate() {
  const std::string name = "Certificate";
  if (!credentials_.has_certificate()) {
    if (credentials_.has_fresh_token()) {
      return pass(name, "none yet; there is a registration token to get one with");
    }
    return fail(name, {"NoRegistrationToken", "neither a certificate nor an unused token",
                       "Download a new manifest for cluster \"" + credentials_.cluster +
                           "\" and apply it"});
  }
  const auto identity = HubIdentity::make(credentials_, settings_.hub);
  if (!identity.ok()) {
    return fail(name, {"BadCredentials", identity.error().message(),
                       "Download a new manifest for this cluster and apply it"});
  }
  const crypto::Certificate& leaf = (*identity)->certificate;
  const std::string text =
      "serial " + leaf.serial_hex() + ", valid until " + format_rfc3339(leaf.not_after());
  if (shard_.clock().wall() >= leaf.not_after()) {
    return fail(name, {"CertificateExpired", text,
                       "The Agent renews it by itself for 90 days; if it runs, see its log"});
  }
  return pass(name, text);
}

io::Task<bool> Ladder::certificate_accepted() {
  const std::string name = "Certificate accepted by the hub";
  if (!credentials_.has_certificate()) {
    co_return true;
  }
  const auto identity = HubIdentity::make(credentials_, settings_.hub);
  auto stream = co_await dialer_.dial_lane(*identity);
  if (!stream.ok()) {
    co_return fail_hub(name, stream.error());
  }
  // In TLS 1.3 the server's verdict follows the handshake; a hub that accepts speaks first.
  const io::DeadlineGuard guard(shard_, Deadline::after(shard_.clock(), kHubAnswer),
                                [&stream] { (*stream)->close(); });
  std::array<std::byte, 64> buffer{};
  const auto first = co_await (*stream)->read_some(buffer);
  if (!first.ok() || *first == 0) {
    co_return fail_hub(name, first.ok() ? Error(ErrorKind::EndOfStream,
                                                "the hub closed the connection without a word")
                                        : first.error());
  }
  co_return pass(name, "a lane can be opened");
}

}  // namespace

std::string format_step(const CheckStep& step) {
  std::string text = step.ok ? "  \u2713 " : "  \u2717 ";
  text += step.name + ": " + step.evidence + "\n";
  if (!step.ok && !step.fix.empty()) {
    text += "      " + step.fix + "\n";
  }
  return text;
}

io::Task<bool> run_check(const AgentSettings& settings, io::Shard& shard,
                         io::BlockingPool& blocking, std::function<void(const CheckStep&)> print) {
  Ladder ladder(settings, shard, blocking, std::move(print));
  co_return co_await ladder.climb();
}

}  // namespace roadstead::agent
