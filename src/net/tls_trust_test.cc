// SPDX-License-Identifier: Apache-2.0
// Who is believed: roots, names, pins, client certificates.
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

}  // namespace
}  // namespace roadstead::net
