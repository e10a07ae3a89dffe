// SPDX-License-Identifier: Apache-2.0
// Handshakes, keying material, and what a peer that does wrong is told.
#include "net/tls_stream.h"

#include <functional>

#include "io/sleep.h"
#include "net/tls_context_impl.h"
#include "net/tls_stream_test_support.h"

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
  options.ticket_root = Secret("short");
  EXPECT_THAT(server_error(options), HasSubstr("TLS 1.3 alone"));
  options.tls13_only = true;
  EXPECT_THAT(server_error(options), HasSubstr("32 bytes"));
  EXPECT_THAT(TlsClientContext::create({}).error().message(), HasSubstr("no PEM certificate"));
  TlsClientOptions damaged;
  damaged.roots_pem = ca_.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(TlsClientContext::create(damaged).error().message(), HasSubstr("2 is damaged"));
}

}  // namespace
}  // namespace roadstead::net
