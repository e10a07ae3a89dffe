// SPDX-License-Identifier: Apache-2.0
// Sessions and tickets: what a resumed connection keeps, and what no session may cross.
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
  // Even when both were given the same root of ticket keys by mistake.
  TlsServerOptions users;
  users.session_id_context = "users";
  users.ticket_root = Secret(std::string(32, 'k'));
  users.tls13_only = true;
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

TEST_F(Tls, TicketsOfAnEarlierProcessResumeWhenTheRootIsTheSame) {
  TlsServerOptions options;
  options.ticket_root = Secret(std::string(32, 'k'));
  options.tls13_only = true;
  options.identity = ca_.server({"hub.example"});
  auto clients = client(client_ca_.client("agent-1"));
  TlsOutcome first = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(exchange(first).ok());
  TlsOutcome second = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(second.server.ok()) << error_of(second.server);
  EXPECT_TRUE((*second.server)->tls()->resumed());
}

TEST_F(Tls, ASessionDoesNotOutliveAChangeOfTheRoots) {
  TlsServerOptions options;
  options.ticket_root = Secret(std::string(32, 'k'));
  options.tls13_only = true;
  options.identity = ca_.server({"hub.example"});
  auto clients = client(client_ca_.client("agent-1"));
  TlsOutcome first = connect(server(ClientCertificates::Required, options), clients);
  ASSERT_TRUE(exchange(first).ok());
  client_ca_ = TestCa("Replaced client CA");
  TlsOutcome second = connect(server(ClientCertificates::Required, options), clients);
  EXPECT_THAT(error_of(second.server), HasSubstr("the client's certificate is not trusted"));
}

TEST_F(Tls, AResumedPeerWhoseCertificateHasExpiredIsRefused) {
  TlsServerOptions options;
  options.identity = ca_.server({"hub.example"});
  auto context = server(ClientCertificates::Required, options);
  test::Validity brief = test::valid_now();
  brief.to -= std::chrono::hours(12);
  auto clients = client(client_ca_.client("agent-1", brief));
  TlsOutcome first = connect(context, clients);
  ASSERT_TRUE(exchange(first).ok());
  clock_.ahead = std::chrono::hours(13);
  EXPECT_THAT(error_of(connect(context, clients).server),
              HasSubstr("the client's certificate has expired"));

  auto short_lived =
      server(ClientCertificates::None, {.identity = ca_.server({"hub.example"}, {}, brief)});
  clients = client();
  clock_.ahead = {};
  first = connect(short_lived, clients);
  ASSERT_TRUE(exchange(first).ok());
  clock_.ahead = std::chrono::hours(13);
  EXPECT_THAT(error_of(connect(short_lived, clients).client),
              HasSubstr("the server's certificate has expired"));
}

TEST_F(Tls, TicketsLastAsLongAsTheCertificatesOfAgents) {
  test::Validity long_lived = test::valid_now();
  long_lived.to += std::chrono::hours(24 * 30);
  ca_ = TestCa("Lasting CA", long_lived);
  TlsServerOptions options;
  options.ticket_root = Secret(std::string(32, 'k'));
  options.identity = ca_.server({"hub.example"}, {}, long_lived);
  options.tls13_only = true;
  auto context = server(ClientCertificates::None, options);
  auto clients = client();
  for (const int days : {6, 9}) {
    clock_.ahead = {};
    TlsOutcome first = connect(context, clients);
    ASSERT_TRUE(exchange(first).ok());
    clock_.ahead = std::chrono::hours(24 * days);
    const TlsOutcome second = connect(context, clients);
    ASSERT_TRUE(second.server.ok()) << error_of(second.server);
    EXPECT_EQ((*second.server)->tls()->resumed(), days < 7);
  }
}

}  // namespace
}  // namespace roadstead::net
