// SPDX-License-Identifier: Apache-2.0
// The failures that a user meets, told apart; those of real sockets where that is possible.
#include "agent/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/agent_test_support.h"
#include "agent/check.h"
#include "agent/http_date.h"
#include "io/shard.h"
#include "net/connect_fault.h"
#include "net/tls_stream.h"

namespace roadstead::agent {
namespace {

using ::testing::HasSubstr;

class HubFailureTest : public ::testing::Test {
 protected:
  io::Task<void> dial(net::HostPort hub, net::ProxySettings proxy) {
    TlsHubDialer dialer(shard_, pool_, proxy);
    auto stream = co_await dialer.dial_enrolment(hub, hub_ca_.pem());
    failure_ = stream.ok() ? Failure{"Connected", "", ""}
                           : explain_hub_failure(stream.error(), "hub.test:1");
  }
  std::string reason(net::HostPort hub, const net::ProxySettings& proxy = {}) {
    shard_.run_until_done(dial(std::move(hub), proxy));
    return failure_.reason;
  }
  // Accepts one connection, answers it with `text`, closes.
  io::Task<void> answer_once(net::Listener& listener, std::string text) {
    auto socket = co_await listener.accept();
    if (socket.ok()) {
      auto stream = net::make_tcp_stream(shard_, std::move(*socket));
      std::array<std::byte, 512> buffer{};
      static_cast<void>(co_await stream->read_some(buffer));
      static_cast<void>(co_await stream->write_all(text));
      static_cast<void>(co_await stream->shutdown_write());
    }
  }
  // The server of `serve` and our dial to it, or through it.
  io::Task<void> both(io::Task<void> serve, net::HostPort hub, net::ProxySettings proxy) {
    io::TaskGroup group(shard_);
    group.spawn(std::move(serve));
    co_await dial(std::move(hub), std::move(proxy));
    co_await group.join();
  }
  io::Task<void> serve_tls(net::Listener& listener,
                           std::shared_ptr<net::TlsServerContext> context) {
    auto socket = co_await listener.accept();
    if (socket.ok()) {
      static_cast<void>(co_await net::tls_accept(
          shard_, std::move(*socket),
          [context](const std::string&, const std::vector<std::string>&) { return context; },
          Deadline::after(clock_, std::chrono::seconds(5))));
    }
  }
  std::shared_ptr<net::TlsServerContext> server_context(std::string dns_name, WallTime from,
                                                        WallTime to, bool trusted = true) {
    const auto key = crypto::PrivateKey::generate_p256();
    crypto::CertificateTemplate t;
    t.common_name = dns_name;
    t.dns_names = {std::move(dns_name)};
    t.not_before = from;
    t.not_after = to;
    t.server_auth = true;
    const auto root_key = crypto::PrivateKey::generate_p256();
    crypto::CertificateTemplate root;
    root.common_name = "hub's own CA";
    root.not_before = clock_.wall() - std::chrono::hours(10'000);
    root.not_after = clock_.wall() + std::chrono::hours(10'000);
    root.ca = true;
    const auto ca = crypto::issue_self_signed(root, root_key, random_).value();
    const auto leaf = crypto::issue(t, key.public_key(), ca, root_key, random_).value();
    if (trusted) {
      roots_ = ca.pem();
    }
    net::TlsServerOptions options;
    options.identity = {leaf.pem(), key.pem()};
    options.alpn = {"http/1.1"};
    options.session_id_context = "enrol";
    return net::TlsServerContext::create(std::move(options)).value();
  }
  io::Task<void> dial_with(net::HostPort hub, std::string roots) {
    TlsHubDialer dialer(shard_, pool_, {});
    auto stream = co_await dialer.dial_enrolment(hub, std::move(roots));
    failure_ = stream.ok() ? Failure{"Connected", "", ""}
                           : explain_hub_failure(stream.error(), "hub.test:1");
  }
  io::Task<void> tls_both(net::Listener& listener, std::shared_ptr<net::TlsServerContext> context,
                          std::string roots) {
    io::TaskGroup group(shard_);
    group.spawn(serve_tls(listener, std::move(context)));
    co_await dial_with(listener.local_address(), std::move(roots));
    co_await group.join();
  }
  std::string tls_reason(std::shared_ptr<net::TlsServerContext> context, const std::string& roots) {
    shard_.run_until_done(tls_both(*listener_, std::move(context), roots));
    return failure_.reason;
  }

  World world_;
  TestCa hub_ca_{world_, "hub"};
  SystemClock clock_;
  SeededRandom random_{3};
  io::Shard shard_{clock_};
  io::BlockingPool pool_{1, 16};
  std::unique_ptr<net::Listener> listener_ =
      net::Listener::open(shard_, {"127.0.0.1", "0"}).value();
  Failure failure_;
  std::string roots_;
};

TEST_F(HubFailureTest, NameNotResolved) {
  EXPECT_EQ(reason({"no-such-hub.invalid", "443"}), "HubNameNotResolved") << failure_.message;
}

TEST_F(HubFailureTest, ConnectionRefused) {
  const net::HostPort address = listener_->local_address();
  listener_.reset();
  EXPECT_EQ(reason(address), "ConnectionRefused") << failure_.message;
}

TEST_F(HubFailureTest, NotTls) {
  shard_.run_until_done(both(answer_once(*listener_, "HTTP/1.1 400 Bad Request\r\n\r\n"),
                             listener_->local_address(), {}));
  EXPECT_EQ(failure_.reason, "HubTlsFailed") << failure_.message;
}

TEST_F(HubFailureTest, ProxyThatRefusesOrWantsAPassword) {
  net::ProxySettings proxy;
  proxy.proxy = net::HttpProxy{listener_->local_address(), std::nullopt};
  shard_.run_until_done(
      both(answer_once(*listener_, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
           {"hub.test", "443"}, proxy));
  EXPECT_EQ(failure_.reason, "ProxyAuthentication") << failure_.message;
  shard_.run_until_done(
      both(answer_once(*listener_, "HTTP/1.1 403 Forbidden\r\n\r\n"), {"hub.test", "443"}, proxy));
  EXPECT_EQ(failure_.reason, "ProxyRefused") << failure_.message;
}

TEST_F(HubFailureTest, ProxyThatIsNotThere) {
  net::ProxySettings proxy;
  proxy.proxy = net::HttpProxy{listener_->local_address(), std::nullopt};
  listener_.reset();
  EXPECT_EQ(reason({"hub.test", "443"}, proxy), "ProxyNotReached") << failure_.message;
}

// Names and addresses in the words of an error are no evidence: "407" may be part of a port.
TEST(HubFailure, GoesByTheFaultAndNotByTheWords) {
  using net::ConnectFault;
  const std::string words = "proxy 127.0.0.1:40700, \"not trusted\": refused, no answer";
  const auto reason = [&](ConnectFault fault) {
    return explain_hub_failure(with_fault(Error(ErrorKind::Tls, words), fault), "hub.test:1")
        .reason;
  };
  EXPECT_EQ(reason(ConnectFault::ProxyRefused), "ProxyRefused");
  EXPECT_EQ(reason(ConnectFault::NoAnswer), "ConnectionTimedOut");
  EXPECT_EQ(reason(ConnectFault::OurCertificate), "CertificateRefusedByHub");
  EXPECT_EQ(reason(ConnectFault::NameNotServed), "ClusterUnknownToHub");
  EXPECT_EQ(explain_hub_failure(Error(ErrorKind::Tls, words), "hub.test:1").reason, "HubTlsFailed");
  EXPECT_EQ(explain_hub_failure(Error(ErrorKind::Network, words), "hub.test:1").reason,
            "HubNotReached");
}

TEST_F(HubFailureTest, CertificateOfSomebodyElse) {
  const WallTime now = clock_.wall();
  const auto hour = std::chrono::hours(1);
  auto good = server_context("enrol.roadstead.internal", now - hour, now + hour);
  EXPECT_EQ(tls_reason(good, roots_), "Connected") << failure_.message;
  const std::string roots = roots_;
  auto stranger = server_context("enrol.roadstead.internal", now - hour, now + hour, false);
  EXPECT_EQ(tls_reason(stranger, roots), "HubNotTrusted") << failure_.message;
  EXPECT_THAT(failure_.message, HasSubstr("issued by")) << "the issuer is named";
  auto other = server_context("www.example.com", now - hour, now + hour);
  EXPECT_EQ(tls_reason(other, roots_), "HubTlsFailed");
  EXPECT_THAT(failure_.message, HasSubstr("it is for www.example.com"));
}

TEST_F(HubFailureTest, Clock) {
  const WallTime now = clock_.wall();
  const auto hour = std::chrono::hours(1);
  auto early = server_context("enrol.roadstead.internal", now + hour, now + 2 * hour);
  EXPECT_EQ(tls_reason(early, roots_), "ClockOrExpiry") << failure_.message;
  auto late = server_context("enrol.roadstead.internal", now - 2 * hour, now - hour);
  EXPECT_EQ(tls_reason(late, roots_), "ClockOrExpiry") << failure_.message;
}

TEST(EnrolmentFailure, SaysWhatTheHubSaid) {
  const auto reason = [](ErrorKind kind, const char* words) {
    return explain_enrolment_failure(Error(kind, words), "ack").reason;
  };
  EXPECT_EQ(reason(ErrorKind::Unauthenticated, "the token was used at ..."), "TokenUsed");
  EXPECT_EQ(reason(ErrorKind::Unauthenticated, "the token expired at ..."), "TokenExpired");
  EXPECT_EQ(reason(ErrorKind::Unauthenticated, "unknown token"), "TokenRefused");
  EXPECT_EQ(reason(ErrorKind::Gone, "removed"), "ClusterRemoved");
  EXPECT_EQ(reason(ErrorKind::Conflict, "another CA"), "OtherApiServer");
}

TEST(HttpDate, ReadsThePreferredForm) {
  const auto t = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  ASSERT_TRUE(t.has_value());
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::seconds>(t->time_since_epoch()).count(),
            784111777);
  for (const char* bad : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                          "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 66 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad).has_value()) << bad;
  }
}

TEST(CheckStep, ShowsEvidenceAndFix) {
  EXPECT_EQ(format_step({true, "Hub trusted", "TLSv1.3", ""}), "  \u2713 Hub trusted: TLSv1.3\n");
  EXPECT_EQ(format_step({false, "Hub reached", "refused", "Open the port"}),
            "  \u2717 Hub reached: refused\n      Open the port\n");
}

}  // namespace
}  // namespace roadstead::agent
