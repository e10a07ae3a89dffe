// SPDX-License-Identifier: Apache-2.0
#include "net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "io/sleep.h"
#include "net/tls_context_impl.h"
#include "net/tls_test_support.h"

namespace roadstead::net {
namespace {

using test::always;
using test::must_create;
using test::read_exactly;
using test::TestCa;
using test::tls_pair;
using test::TlsOutcome;
using testing::AllOf;
using testing::HasSubstr;

class Tls : public testing::Test {
 protected:
  std::shared_ptr<TlsServerContext> server(ClientCertificates mode, TlsServerOptions options = {}) {
    if (options.identity.certificate_chain_pem.empty()) {
      options.identity = ca_.server({"hub.example"}, {"127.0.0.1", "::1"});
    }
    options.client_certificates = mode;
    if (mode == ClientCertificates::Required) {
      options.client_roots_pem = client_ca_.pem();
    }
    if (options.session_id_context.empty()) {
      options.session_id_context = "test";
    }
    return must_create<TlsServerContext>(std::move(options));
  }

  std::shared_ptr<TlsClientContext> client(std::optional<TlsIdentity> identity = {},
                                           TlsClientOptions options = {}) {
    if (options.roots_pem.empty()) {
      options.roots_pem = ca_.pem();
    }
    options.identity = std::move(identity);
    return must_create<TlsClientContext>(std::move(options));
  }

  TlsOutcome connect(std::shared_ptr<TlsServerContext> s, std::shared_ptr<TlsClientContext> c,
                     const std::string& name = "hub.example") {
    return connect_by(always(std::move(s)), std::move(c), name);
  }

  TlsOutcome connect_by(ServerContextSelector s, std::shared_ptr<TlsClientContext> c,
                        const std::string& name) {
    TlsOutcome out;
    const auto body = [](io::Shard& shard, ServerContextSelector selector,
                         std::shared_ptr<TlsClientContext> context, std::string host,
                         TlsOutcome& result) -> io::Task<void> {
      result = co_await tls_pair(shard, std::move(selector), std::move(context), std::move(host));
    };
    shard_.run_until_done(body(shard_, std::move(s), std::move(c), name, out));
    return out;
  }

  // Sends a byte each way, so that tickets and late alerts arrive.
  Result<void> exchange(TlsOutcome& pair) {
    Result<void> out;
    const auto body = [](TlsOutcome& p, Result<void>& result) -> io::Task<void> {
      std::array<std::byte, 1> byte{};
      Result<void> written = co_await (*p.server)->write_all("s");
      const Result<std::size_t> n = co_await (*p.client)->read_some(byte);
      if (!written.ok()) {
        result = std::move(written);
      } else if (!n.ok()) {
        result = n.error();
      }
      Result<void> back = co_await (*p.client)->write_all("c");
      EXPECT_TRUE(back.ok());
      EXPECT_TRUE((co_await (*p.server)->read_some(byte)).ok());
    };
    shard_.run_until_done(body(pair, out));
    return out;
  }

  static std::string error_of(const Result<StreamPtr>& result) {
    return result.ok() ? "no error" : result.error().to_string();
  }

  SystemClock clock_;
  io::Shard shard_{clock_};
  TestCa ca_{"Test hub CA"};
  TestCa client_ca_{"Test client CA"};
};

TEST_F(Tls, MutualHandshakeTellsBothSidesWhoTheOtherIs) {
  const TlsIdentity identity = client_ca_.client("agent-1");
  TlsServerOptions options;
  options.alpn = {"h2", "http/1.1"};
  TlsClientOptions client_options;
  client_options.alpn = {"http/1.1", "h2"};
  TlsOutcome pair =
      connect(server(ClientCertificates::Required, options), client(identity, client_options));
  ASSERT_TRUE(pair.client.ok()) << error_of(pair.client);
  ASSERT_TRUE(pair.server.ok()) << error_of(pair.server);
  TlsSession& at_server = *(*pair.server)->tls();
  EXPECT_EQ(at_server.protocol(), "TLSv1.3");
  EXPECT_EQ(at_server.server_name(), "hub.example");
  EXPECT_EQ(at_server.alpn(), "h2");
  EXPECT_EQ((*pair.client)->tls()->alpn(), "h2");
  const auto expected = crypto::Certificate::chain_from_pem(identity.certificate_chain_pem);
  ASSERT_EQ(at_server.peer_chain().size(), 1u);
  EXPECT_EQ(at_server.peer_chain()[0], expected->front().der());
  EXPECT_EQ((*pair.client)->tls()->peer_chain().size(), 1u);
  EXPECT_TRUE(exchange(pair).ok());
}

TEST_F(Tls, KeyingMaterialIsEqualAtBothEndsAndDiffersByConnectionAndLabel) {
  auto context = server(ClientCertificates::None);
  TlsOutcome one = connect(context, client());
  TlsOutcome two = connect(context, client());
  const auto material = [](Result<StreamPtr>& stream, std::string_view label) {
    return *(*stream)->tls()->export_keying_material(label);
  };
  EXPECT_EQ(material(one.client, "EXPORTER-a"), material(one.server, "EXPORTER-a"));
  EXPECT_NE(material(one.client, "EXPORTER-a"), material(one.client, "EXPORTER-b"));
  EXPECT_NE(material(one.client, "EXPORTER-a"), material(two.client, "EXPORTER-a"));
}

TEST_F(Tls, AnotherCaIsNamedInTheError) {
  TestCa other("Corporate proxy CA");
  TlsServerOptions options;
  options.identity = other.server({"hub.example"});
  TlsOutcome pair = connect(server(ClientCertificates::None, options), client());
  EXPECT_THAT(error_of(pair.client),
              AllOf(HasSubstr("Tls: TLS handshake with 127.0.0.1:"), HasSubstr("is not trusted"),
                    HasSubstr("Corporate proxy CA"), HasSubstr("Test hub CA")));
  EXPECT_THAT(error_of(pair.server), HasSubstr("does not trust the CA of our certificate"));
}

TEST_F(Tls, AWrongNameListsTheNamesOfTheCertificate) {
  TlsServerOptions options;
  options.identity = ca_.server({"a.example", "*.b.example"}, {"192.0.2.7"});
  TlsOutcome pair = connect(server(ClientCertificates::None, options), client());
  EXPECT_THAT(error_of(pair.client),
              AllOf(HasSubstr("is not for \"hub.example\""),
                    HasSubstr("it is for a.example, *.b.example, 192.0.2.7")));
}

TEST_F(Tls, NamesAndAddressesAreVerified) {
  TlsServerOptions options;
  options.identity = ca_.server({"*.b.example", "192.0.2.9"}, {"192.0.2.7", "2001:db8::1"});
  auto context = server(ClientCertificates::None, options);
  const auto connects = [&](const std::string& name) {
    return connect(context, client(), name).client.ok();
  };
  EXPECT_TRUE(connects("x.b.example"));
  EXPECT_TRUE(connects("X.B.Example"));
  EXPECT_TRUE(connects("192.0.2.7"));
  EXPECT_TRUE(connects("2001:db8::1"));
  EXPECT_TRUE(connects("2001:DB8:0::1"));
  EXPECT_FALSE(connects("x.y.b.example"));
  EXPECT_FALSE(connects("b.example"));
  EXPECT_FALSE(connects("192.0.2.8"));
  EXPECT_FALSE(connects("192.0.2.9"));  // as a DNS name only
  EXPECT_FALSE(connects("server"));     // the common name does not count
  EXPECT_FALSE(connects("2001:db8::2"));
}

// First contact: the chain must hold the pinned CA, and all of verification stays.
TEST_F(Tls, APinnedCaIsTheOnlyRoot) {
  const auto pinned = [](const std::string& fingerprint) {
    TlsClientOptions options;
    options.pinned_ca_sha256 = fingerprint;
    return must_create<TlsClientContext>(std::move(options));
  };
  const auto sends_chain = [&](TlsIdentity identity) {
    identity.certificate_chain_pem += ca_.pem();
    TlsServerOptions options;
    options.identity = std::move(identity);
    return server(ClientCertificates::None, std::move(options));
  };
  const auto good = sends_chain(ca_.server({"hub.example"}, {"127.0.0.1"}));
  EXPECT_EQ(error_of(connect(good, pinned(ca_.fingerprint())).client), "no error");
  EXPECT_EQ(error_of(connect(good, pinned(ca_.fingerprint()), "127.0.0.1").client), "no error");
  EXPECT_THAT(error_of(connect(good, pinned(ca_.fingerprint()), "other.example").client),
              HasSubstr("is not for \"other.example\""));
  EXPECT_THAT(error_of(connect(good, pinned(client_ca_.fingerprint())).client),
              HasSubstr("has the SHA-256 fingerprint " + client_ca_.fingerprint()));
  // The CA's certificate beside a leaf that it did not issue.
  TestCa other("other");
  EXPECT_THAT(
      error_of(
          connect(sends_chain(other.server({"hub.example"})), pinned(ca_.fingerprint())).client),
      HasSubstr("is not trusted"));
  // A server that keeps its CA back.
  EXPECT_THAT(error_of(connect(server(ClientCertificates::None), pinned(ca_.fingerprint())).client),
              HasSubstr("none of the 1 certificates"));
  // The leaf is no CA.
  const TlsIdentity leaf = ca_.server({"hub.example"});
  const auto chain = crypto::Certificate::chain_from_pem(leaf.certificate_chain_pem);
  ASSERT_TRUE(chain.ok());
  EXPECT_THAT(error_of(connect(sends_chain(leaf), pinned(chain->front().fingerprint())).client),
              HasSubstr("is no CA"));
  TlsClientOptions wrong;
  wrong.pinned_ca_sha256 = "abc";
  EXPECT_FALSE(TlsClientContext::create(wrong).ok());
  wrong.pinned_ca_sha256 = ca_.fingerprint();
  wrong.roots_pem = ca_.pem();
  EXPECT_FALSE(TlsClientContext::create(wrong).ok());
}

TEST_F(Tls, AnAddressIsNotSentAsServerName) {
  std::string seen = "unset";
  auto context = server(ClientCertificates::None);
  TlsOutcome pair = connect_by(
      [&](const std::string& name, const std::vector<std::string>&) {
        seen = name;
        return context;
      },
      client(), "127.0.0.1");
  EXPECT_TRUE(pair.client.ok()) << error_of(pair.client);
  EXPECT_EQ(seen, "");
}

TEST_F(Tls, AnExpiredServerCertificateTellsBothTimes) {
  const WallTime now = clock_.wall();
  TlsServerOptions options;
  options.identity =
      ca_.server({"hub.example"}, {}, {now - std::chrono::hours(3), now - std::chrono::hours(2)});
  TlsOutcome pair = connect(server(ClientCertificates::None, options), client());
  EXPECT_THAT(error_of(pair.client),
              AllOf(HasSubstr("the server's certificate has expired"), HasSubstr("valid from 2"),
                    HasSubstr("the clock here says")));
  options.identity =
      ca_.server({"hub.example"}, {}, {now + std::chrono::hours(2), now + std::chrono::hours(3)});
  pair = connect(server(ClientCertificates::None, options), client());
  EXPECT_THAT(error_of(pair.client), HasSubstr("is not valid yet (is the clock right?)"));
}

TEST_F(Tls, AClientCertificateDoesNotServeAsServerCertificate) {
  TlsServerOptions options;
  options.identity = ca_.client("hub.example");
  TlsOutcome pair = connect(server(ClientCertificates::None, options), client());
  EXPECT_THAT(error_of(pair.client), HasSubstr("must not be used by a server"));
}

// In TLS 1.3 the client learns of a refusal only when it reads.
TEST_F(Tls, ARequiredClientCertificateIsRequired) {
  TlsOutcome pair = connect(server(ClientCertificates::Required), client());
  EXPECT_THAT(error_of(pair.server), HasSubstr("the client sent no certificate"));
  ASSERT_TRUE(pair.client.ok());
  std::array<std::byte, 16> buffer;
  EXPECT_EQ((*pair.client)->try_read(buffer).status, IoStatus::Failed);
  EXPECT_THAT((*pair.client)->last_error().to_string(),
              HasSubstr("requires a client certificate and got none"));
}

TEST_F(Tls, AWriteAfterARefusalTellsTheReason) {
  TlsOutcome pair = connect(server(ClientCertificates::Required), client());
  ASSERT_TRUE(pair.client.ok());
  Result<void> written;
  const auto body = [](Stream& stream, Result<void>& out) -> io::Task<void> {
    const Deadline deadline = test::soon(stream.executor());
    while (out.ok() && !deadline.expired(stream.executor().clock())) {
      out = co_await stream.write_all("x");
      co_await stream.executor().yield();
    }
  };
  shard_.run_until_done(body(**pair.client, written));
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().to_string(), HasSubstr("requires a client certificate and got none"));
}

TEST_F(Tls, ClientCertificatesOfOthersAreRefusedWhereRequired) {
  TestCa other("Another client CA");
  TlsOutcome pair = connect(server(ClientCertificates::Required), client(other.client("mallory")));
  EXPECT_THAT(error_of(pair.server), AllOf(HasSubstr("the client's certificate is not trusted"),
                                           HasSubstr("Another client CA")));
  const WallTime now = clock_.wall();
  pair = connect(server(ClientCertificates::Required),
                 client(client_ca_.client(
                     "late", {now - std::chrono::hours(3), now - std::chrono::hours(2)})));
  EXPECT_THAT(error_of(pair.server), HasSubstr("the client's certificate has expired"));
  pair = connect(server(ClientCertificates::Required), client(client_ca_.server({"a.example"})));
  EXPECT_THAT(error_of(pair.server), HasSubstr("must not be used by a client"));
}

TEST_F(Tls, OptionalTakesAnyCertificateAndNone) {
  TestCa other("Another client CA");
  const WallTime now = clock_.wall();
  auto context = server(ClientCertificates::Optional);
  TlsOutcome pair = connect(
      context,
      client(other.client("anyone", {now - std::chrono::hours(3), now - std::chrono::hours(2)})));
  ASSERT_TRUE(pair.server.ok()) << error_of(pair.server);
  EXPECT_EQ((*pair.server)->tls()->peer_chain().size(), 1u);
  pair = connect(context, client());
  ASSERT_TRUE(pair.server.ok()) << error_of(pair.server);
  EXPECT_TRUE((*pair.server)->tls()->peer_chain().empty());
}

TEST_F(Tls, AResumedSessionKeepsThePeersChain) {
  const TlsIdentity identity = client_ca_.client("agent-1");
  auto clients = client(identity);
  for (const auto mode : {ClientCertificates::Optional, ClientCertificates::Required}) {
    auto context = server(mode);
    TlsOutcome first = connect(context, clients);
    ASSERT_TRUE(first.server.ok()) << error_of(first.server);
    ASSERT_TRUE(exchange(first).ok());
    TlsOutcome second = connect(context, clients);
    ASSERT_TRUE(second.server.ok()) << error_of(second.server);
    EXPECT_TRUE((*second.server)->tls()->resumed());
    EXPECT_TRUE((*second.client)->tls()->resumed());
    EXPECT_EQ((*second.server)->tls()->peer_chain(), (*first.server)->tls()->peer_chain());
    EXPECT_EQ((*second.server)->tls()->peer_chain().size(), 1u);
    EXPECT_EQ((*second.client)->tls()->peer_chain().size(), 1u);
    EXPECT_EQ(*(*second.client)->tls()->export_keying_material("EXPORTER-a"),
              *(*second.server)->tls()->export_keying_material("EXPORTER-a"));
    ASSERT_TRUE(exchange(second).ok());
  }
}

TEST_F(Tls, ASessionIsUsedOnce) {
  auto context = server(ClientCertificates::None);
  auto clients = client();
  TlsOutcome first = connect(context, clients);
  ASSERT_TRUE(exchange(first).ok());
  TlsOutcome second = connect(context, clients);
  TlsOutcome third = connect(context, clients);
  EXPECT_TRUE((*second.client)->tls()->resumed());
  EXPECT_FALSE((*third.client)->tls()->resumed());
}

TEST_F(Tls, NoSessionCrossesTrustDomains) {
  // Even when both were given the same ticket keys by mistake.
  TlsServerOptions users;
  users.session_id_context = "users";
  users.ticket_keys = Secret(std::string(48, 'k'));
  users.identity = ca_.server({"hub.example"});
  TlsServerOptions tunnels = users;
  tunnels.session_id_context = "tunnels";
  auto user_context = server(ClientCertificates::Optional, users);
  auto tunnel_context = server(ClientCertificates::Required, tunnels);
  auto clients = client(client_ca_.client("agent-1"));
  TlsOutcome first = connect(user_context, clients);
  ASSERT_TRUE(exchange(first).ok());
  TlsOutcome second = connect(tunnel_context, clients);
  ASSERT_TRUE(second.server.ok()) << error_of(second.server);
  EXPECT_FALSE((*second.server)->tls()->resumed());
}

TEST_F(Tls, TicketsOfAnEarlierProcessResumeWhenTheKeysAreTheSame) {
  TlsServerOptions options;
  options.ticket_keys = Secret(std::string(48, 'k'));
  options.identity = ca_.server({"hub.example"});
  auto clients = client(client_ca_.client("agent-1"));
  TlsOutcome first = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(exchange(first).ok());
  TlsOutcome second = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(second.server.ok()) << error_of(second.server);
  EXPECT_TRUE((*second.server)->tls()->resumed());
}

TEST_F(Tls, AResumedClientIsVerifiedAgainstTheRootsOfNow) {
  TlsServerOptions options;
  options.ticket_keys = Secret(std::string(48, 'k'));
  options.identity = ca_.server({"hub.example"});
  auto clients = client(client_ca_.client("agent-1"));
  TlsOutcome first = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(exchange(first).ok());
  client_ca_ = TestCa("Replaced client CA");
  TlsOutcome second = connect(server(ClientCertificates::Required, options), clients);
  EXPECT_THAT(error_of(second.server), HasSubstr("the client's certificate is not trusted"));
}

TEST_F(Tls, UnknownNamesAndProtocolsAreRefusedInWords) {
  TlsOutcome pair = connect_by(
      [](const std::string&, const std::vector<std::string>&) {
        return std::shared_ptr<TlsServerContext>();
      },
      client(), "hub.example");
  EXPECT_THAT(error_of(pair.client), HasSubstr("does not serve this host name"));
  EXPECT_THAT(error_of(pair.server), HasSubstr("\"hub.example\" is not served here"));

  TlsServerOptions options;
  options.alpn = {"roadstead-tunnel/1"};
  TlsClientOptions client_options;
  client_options.alpn = {"h2"};
  pair = connect(server(ClientCertificates::None, options), client({}, client_options));
  EXPECT_THAT(error_of(pair.client), HasSubstr("none of the offered protocols"));
}

TEST_F(Tls, TheSelectorSeesNameAndProtocols) {
  auto context = server(ClientCertificates::None);
  std::vector<std::string> seen;
  TlsClientOptions options;
  options.alpn = {"h2", "http/1.1"};
  connect_by(
      [&](const std::string& name, const std::vector<std::string>& alpn) {
        seen = alpn;
        seen.push_back(name);
        return context;
      },
      client({}, options), "HUB.example");
  EXPECT_THAT(seen, testing::ElementsAre("h2", "http/1.1", "hub.example"));
}

TEST_F(Tls, PlainHttpIsTold) {
  auto context = server(ClientCertificates::None);
  Result<StreamPtr> result(Error(ErrorKind::Internal, "not run"));
  std::string answer;
  const auto body = [](io::Shard& shard, std::shared_ptr<TlsServerContext> s,
                       Result<StreamPtr>& out, std::string& text) -> io::Task<void> {
    test::SocketPair sockets = co_await test::socket_pair(shard);
    StreamPtr plain = make_tcp_stream(shard, std::move(sockets.a));
    EXPECT_TRUE((co_await plain->write_all("GET / HTTP/1.1\r\nHost: hub\r\n\r\n")).ok());
    out = co_await tls_accept(shard, std::move(sockets.b), always(s), test::soon(shard));
    text = co_await read_exactly(*plain, 1000);
  };
  shard_.run_until_done(body(shard_, context, result, answer));
  EXPECT_THAT(error_of(result), HasSubstr("Protocol: TLS handshake with 127.0.0.1"));
  EXPECT_THAT(error_of(result), HasSubstr("plain HTTP"));
  EXPECT_THAT(answer, AllOf(testing::StartsWith("HTTP/1.0 400 "), HasSubstr("https://")));
}

io::Task<void> answer_plainly(Stream& stream, std::string text) {
  std::array<std::byte, 4096> buffer;
  EXPECT_TRUE((co_await stream.read_some(buffer)).ok());
  if (!text.empty()) {
    EXPECT_TRUE((co_await stream.write_all(text)).ok());
  }
  EXPECT_TRUE((co_await stream.shutdown_write()).ok());
}

TEST_F(Tls, AServerWithoutTlsIsTold) {
  for (const std::string text : {"HTTP/1.1 400 Bad Request\r\n\r\n", ""}) {
    Result<StreamPtr> result(Error(ErrorKind::Internal, "not run"));
    const auto body = [](io::Shard& shard, std::shared_ptr<TlsClientContext> c, std::string answer,
                         Result<StreamPtr>& out) -> io::Task<void> {
      test::SocketPair sockets = co_await test::socket_pair(shard);
      StreamPtr plain = make_tcp_stream(shard, std::move(sockets.b));
      io::TaskGroup group(shard);
      group.spawn(answer_plainly(*plain, answer));
      out = co_await tls_connect(shard, std::move(sockets.a), c, "hub.example", test::soon(shard));
      co_await group.join();
    };
    shard_.run_until_done(body(shard_, client(), text, result));
    EXPECT_THAT(error_of(result), HasSubstr(text.empty() ? "closed the connection"
                                                         : "does not speak TLS on this port"));
  }
}

TEST_F(Tls, ASilentPeerMeetsTheDeadline) {
  Result<StreamPtr> client_result(Error(ErrorKind::Internal, "not run"));
  Result<StreamPtr> server_result(Error(ErrorKind::Internal, "not run"));
  const auto body = [](io::Shard& shard, std::shared_ptr<TlsClientContext> c,
                       std::shared_ptr<TlsServerContext> s, Result<StreamPtr>& at_client,
                       Result<StreamPtr>& at_server) -> io::Task<void> {
    const auto quick = std::chrono::milliseconds(50);
    test::SocketPair one = co_await test::socket_pair(shard);
    at_client = co_await tls_connect(shard, std::move(one.a), c, "hub.example",
                                     Deadline::after(shard.clock(), quick));
    test::SocketPair two = co_await test::socket_pair(shard);
    at_server = co_await tls_accept(shard, std::move(two.b), always(s),
                                    Deadline::after(shard.clock(), quick));
  };
  shard_.run_until_done(
      body(shard_, client(), server(ClientCertificates::None), client_result, server_result));
  EXPECT_THAT(error_of(client_result), AllOf(HasSubstr("DeadlineExceeded: TLS handshake"),
                                             HasSubstr("not complete within")));
  EXPECT_THAT(error_of(server_result), HasSubstr("DeadlineExceeded: TLS handshake"));
}

std::shared_ptr<TlsClientContext> limited_to_tls12(std::shared_ptr<TlsClientContext> context) {
  SSL_CTX_set_max_proto_version(static_cast<TlsClientContextImpl&>(*context).ssl.get(),
                                TLS1_2_VERSION);
  return context;
}

TEST_F(Tls, Tls12IsServedUnlessRefused) {
  auto clients = limited_to_tls12(client(client_ca_.client("old")));
  auto context = server(ClientCertificates::Required);
  TlsOutcome pair = connect(context, clients);
  ASSERT_TRUE(pair.server.ok()) << error_of(pair.server);
  EXPECT_EQ((*pair.server)->tls()->protocol(), "TLSv1.2");
  EXPECT_EQ((*pair.server)->tls()->export_keying_material("EXPORTER-a").error().kind(),
            ErrorKind::Unsupported);
  ASSERT_TRUE(exchange(pair).ok());
  for (int i = 0; i < 2; ++i) {
    pair = connect(context, clients);
    ASSERT_TRUE(pair.server.ok()) << error_of(pair.server);
    EXPECT_TRUE((*pair.server)->tls()->resumed());
    EXPECT_EQ((*pair.server)->tls()->peer_chain().size(), 1u);
  }

  TlsServerOptions options;
  options.tls13_only = true;
  pair = connect(server(ClientCertificates::Required, options), clients);
  EXPECT_THAT(error_of(pair.client), HasSubstr("no TLS version in common"));
  EXPECT_THAT(error_of(pair.server), HasSubstr("no TLS version in common"));
}

TEST_F(Tls, WrongConfigurationIsRefusedInWords) {
  const auto server_error = [](TlsServerOptions options) {
    const auto made = TlsServerContext::create(std::move(options));
    return made.ok() ? std::string("no error") : made.error().to_string();
  };
  TlsServerOptions options;
  EXPECT_THAT(server_error(options), HasSubstr("no PEM certificate"));
  options.identity = ca_.server({"hub.example"});
  options.identity.private_key_pem = Secret("nonsense");
  EXPECT_THAT(server_error(options), HasSubstr("no unencrypted PEM private key"));
  options.identity.private_key_pem = ca_.server({"other.example"}).private_key_pem;
  EXPECT_THAT(server_error(options), HasSubstr("do not go together"));
  options.identity = ca_.server({"hub.example"});
  options.client_certificates = ClientCertificates::Required;
  EXPECT_THAT(server_error(options), HasSubstr("session_id_context is needed"));
  options.session_id_context = "x";
  EXPECT_THAT(server_error(options), HasSubstr("client_roots_pem is needed"));
  options.client_roots_pem = client_ca_.pem();
  EXPECT_EQ(server_error(options), "no error");
  options.session_id_context = std::string(33, 'x');
  EXPECT_THAT(server_error(options), HasSubstr("more than 32 bytes"));
  options.session_id_context = "x";
  options.ticket_keys = Secret("short");
  EXPECT_THAT(server_error(options), HasSubstr("48 bytes"));
  EXPECT_THAT(TlsClientContext::create({}).error().message(), HasSubstr("no PEM certificate"));
  TlsClientOptions damaged;
  damaged.roots_pem = ca_.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(TlsClientContext::create(damaged).error().message(), HasSubstr("2 is damaged"));
}

}  // namespace
}  // namespace roadstead::net
