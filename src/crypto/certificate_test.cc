// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/rfc3339.h"
#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;

const WallTime kNow = *parse_rfc3339("2026-11-22T07:54:08Z");

CertificateTemplate ca_named(std::string name) {
  return {.common_name = std::move(name),
          .not_before = kNow - hours(1),
          .not_after = kNow + hours(24 * 365),
          .ca = true};
}

CertificateTemplate client_named(std::string name) {
  return {.common_name = std::move(name),
          .not_before = kNow - hours(1),
          .not_after = kNow + hours(24),
          .client_auth = true};
}

struct Authority {
  PrivateKey key = PrivateKey::generate_p256();
  Certificate certificate;

  explicit Authority(const std::string& name, SystemRandom random = {})
      : certificate(*issue_self_signed(ca_named(name), key, random)) {}
  Result<Certificate> leaf(const CertificateTemplate& t) const {
    SystemRandom random;
    return issue(t, PrivateKey::generate_p256().public_key(), certificate, key, random);
  }
};

std::string leaf_error(const CertificateTemplate& t) {
  const auto r = Authority("CA").leaf(t);
  return r.ok() ? "accepted" : r.error().message();
}

// Certificates that `issue` refuses to make.
Result<Certificate> weak_certificate(const PrivateKey& key, EVP_PKEY* subject_key,
                                     const Certificate& issuer, const EVP_MD* digest) {
  const bssl::UniquePtr<X509> x509(
      X509_dup(Authority("CA").leaf(client_named("x"))->impl().x509.get()));
  X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer.impl().x509.get()));
  const bssl::UniquePtr<X509_EXTENSION> dropped(X509_delete_ext(
      x509.get(), X509_get_ext_by_NID(x509.get(), NID_authority_key_identifier, -1)));
  if (subject_key != nullptr) {
    X509_set_pubkey(x509.get(), subject_key);
  }
  X509_sign(x509.get(), key.impl().key.get(), digest);
  return certificate_from_x509(bssl::UpRef(x509));
}

bssl::UniquePtr<EVP_PKEY> rsa_key(int bits) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  const bssl::UniquePtr<RSA> rsa(RSA_new());
  const bssl::UniquePtr<BIGNUM> e(BN_new());
  BN_set_word(e.get(), RSA_F4);
  RSA_generate_key_ex(rsa.get(), bits, e.get(), nullptr);
  EVP_PKEY_set1_RSA(key.get(), rsa.get());
  return key;
}

TEST(Certificate, CarriesItsNames) {
  const Authority ca("Roadstead CA");
  CertificateTemplate t = client_named("alice@example.com");
  t.organizations = {"team:web", "team:ops"};
  t.dns_names = {"a.example", "*.b.example"};
  t.ip_addresses = {"10.0.0.1", "fd00::1"};
  t.uris = {"roadstead://cluster/a"};
  t.server_auth = true;
  const auto made = ca.leaf(t);
  ASSERT_TRUE(made.ok()) << made.error().message();
  const auto read = Certificate::chain_from_pem(made->pem() + ca.certificate.pem());
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_EQ(read->size(), 2U);
  const Certificate& c = read->front();
  EXPECT_EQ(c.common_name(), "alice@example.com");
  EXPECT_THAT(c.organizations(), ElementsAre("team:web", "team:ops"));
  EXPECT_THAT(c.dns_names(), ElementsAre("a.example", "*.b.example"));
  EXPECT_THAT(c.ip_addresses(), ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_THAT(c.uris(), ElementsAre("roadstead://cluster/a"));
  EXPECT_EQ(c.not_after(), t.not_after);
  EXPECT_EQ(c.issuer(), "CN=Roadstead CA");
  EXPECT_FALSE(c.is_ca());
  EXPECT_TRUE(read->back().is_ca());
  EXPECT_EQ(c.fingerprint(), made->fingerprint());
  EXPECT_EQ(c.fingerprint().size(), 64U);
}

TEST(Certificate, LongUserNamesFit) {
  const std::string name(200, 'n');
  EXPECT_EQ(Authority("CA").leaf(client_named(name))->common_name(), name);
}

TEST(Certificate, SerialsArePositiveAndRandom) {
  const Authority ca("CA");
  const auto a = ca.leaf(client_named("a"))->serial_hex();
  EXPECT_NE(a, ca.leaf(client_named("a"))->serial_hex());
  EXPECT_GT(a.size(), 24U);
  EXPECT_THAT(a, testing::MatchesRegex("[1-9a-f][0-9a-f]*"));
}

TEST(Certificate, HasTheExtensionsThatOthersCheck) {
  const Authority ca("CA");
  const auto leaf = ca.leaf(client_named("a"));
  X509* x509 = leaf->impl().x509.get();
  EXPECT_EQ(X509_get_key_usage(x509), std::uint32_t{X509v3_KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_get_extended_key_usage(x509), std::uint32_t{XKU_SSL_CLIENT});
  X509* root = ca.certificate.impl().x509.get();
  EXPECT_EQ(X509_get_key_usage(root), std::uint32_t{X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN});
  EXPECT_EQ(X509_get_pathlen(root), 0);
  ASSERT_NE(X509_get0_authority_key_id(x509), nullptr);
  EXPECT_EQ(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(x509), X509_get0_subject_key_id(root)),
            0);
}

TEST(Issue, RefusesNamesThatForge) {
  for (const std::string& bad : {std::string("a\r\nX: y"), std::string("a\0b", 3),
                                 std::string("\x1b"), std::string("a\xC2\x85"), std::string("\xff"),
                                 std::string("e\xE2\x80\xAEvil"), std::string(1025, 'a')}) {
    EXPECT_THAT(leaf_error(client_named(bad)), HasSubstr("common name")) << bad;
    CertificateTemplate t = client_named("a");
    t.organizations = {bad};
    EXPECT_THAT(leaf_error(t), HasSubstr("organization")) << bad;
    t.organizations = {};
    t.uris = {bad};
    EXPECT_THAT(leaf_error(t), HasSubstr("URI name")) << bad;
    t.uris = {};
    t.dns_names = {bad};
    EXPECT_THAT(leaf_error(t), HasSubstr("DNS name")) << bad;
  }
  CertificateTemplate t = client_named("a");
  t.ip_addresses = {"10.0.0.256"};
  EXPECT_THAT(leaf_error(t), HasSubstr("not an IP address"));
}

TEST(Issue, RefusesWhatMakesNoSense) {
  CertificateTemplate t = client_named("a");
  t.not_after = t.not_before;
  EXPECT_THAT(leaf_error(t), HasSubstr("end before"));
  EXPECT_THAT(leaf_error(client_named("")), HasSubstr("needs a name"));
  t = client_named("a");
  t.client_auth = false;
  EXPECT_THAT(leaf_error(t), HasSubstr("purpose"));

  const Authority ca("CA");
  SystemRandom random;
  const auto key = PrivateKey::generate_p256();
  EXPECT_THAT(
      issue(client_named("b"), key.public_key(), ca.certificate, key, random).error().message(),
      HasSubstr("do not belong together"));
  const auto self = issue_self_signed(client_named("self"), key, random);
  EXPECT_THAT(issue(client_named("b"), key.public_key(), *self, key, random).error().message(),
              HasSubstr("not an authority"));
}

TEST(Certificate, RefusesNamesThatForgeWhenRead) {
  // Made around `issue`, as an enemy's CA would.
  const Authority ca("CA");
  const auto forged = [&](std::vector<std::string> names) {
    const bssl::UniquePtr<X509> x509(X509_dup(ca.leaf(client_named("x"))->impl().x509.get()));
    const bssl::UniquePtr<X509_NAME> subject(X509_NAME_new());
    for (const std::string& name : names) {
      X509_NAME_add_entry_by_NID(subject.get(), NID_commonName, V_ASN1_UTF8STRING,
                                 reinterpret_cast<const std::uint8_t*>(name.data()),
                                 static_cast<ossl_ssize_t>(name.size()), -1, 0);
    }
    X509_set_subject_name(x509.get(), subject.get());
    X509_sign(x509.get(), ca.key.impl().key.get(), EVP_sha256());
    std::uint8_t* der = nullptr;
    const int size = i2d_X509(x509.get(), &der);
    const bssl::UniquePtr<std::uint8_t> owned(der);
    const auto r = Certificate::from_der({reinterpret_cast<char*>(der), std::size_t(size)});
    return r.ok() ? "accepted" : r.error().message();
  };
  EXPECT_EQ(forged({"fine"}), "accepted");
  EXPECT_THAT(forged({"a\r\nImpersonate-User: b"}), HasSubstr("control character"));
  EXPECT_THAT(forged({std::string("admin\0x", 7)}), HasSubstr("control character"));
  EXPECT_THAT(forged({"alice", "admin"}), HasSubstr("more than one common name"));
}

// The library reads a constructed parameter of an unknown type and writes it as a primitive one.
TEST(Certificate, TakesNoOtherEncodingThanDer) {
  std::string der = Authority("CA").certificate.der();
  const std::string algorithm = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
  const std::size_t at = der.rfind(algorithm);  // ecdsa-with-SHA256, beside the signature
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(der.substr(0, 2), "\x30\x82");
  der.insert(at + algorithm.size(), std::string("\x35\x00", 2));
  der[at + 1] = '\x0c';
  const std::size_t length = der.size() - 4;
  der[2] = static_cast<char>(length >> 8);
  der[3] = static_cast<char>(length & 0xff);
  EXPECT_THAT(Certificate::from_der(der).error().message(), HasSubstr("DER"));
}

TEST(Certificate, RefusesWhatIsNone) {
  EXPECT_FALSE(Certificate::from_der("").ok());
  EXPECT_FALSE(Certificate::from_der("junk").ok());
  const Authority ca("CA");
  EXPECT_THAT(Certificate::from_der(ca.certificate.der() + "x").error().message(),
              HasSubstr("bytes follow"));
  EXPECT_THAT(Certificate::chain_from_pem("").error().message(), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(Certificate::chain_from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n").error().message(),
              HasSubstr("malformed PEM"));
  std::string many;
  for (int i = 0; i < 11; ++i) {
    many += ca.certificate.pem();
  }
  EXPECT_THAT(Certificate::chain_from_pem(many).error().message(), HasSubstr("more than 10"));
  EXPECT_EQ(Certificate::chain_from_pem(many, 20)->size(), 11U);
  EXPECT_EQ(Certificate::chain_from_pem("text\n" + std::string(ca.key.pem().reveal()) +
                                        ca.certificate.pem())
                ->size(),
            1U);
  EXPECT_EQ(ERR_peek_error(), 0U) << "SSL_get_error reads this queue";
}

class VerifyChain : public testing::Test {
 protected:
  std::optional<ChainProblem> check(const Certificate& leaf, WallTime now = kNow,
                                    Purpose purpose = Purpose::ClientAuth) {
    return check_chain({leaf}, {ca_.certificate}, now, purpose);
  }
  Authority ca_{"Roadstead CA"};
};

TEST_F(VerifyChain, AcceptsAGoodOne) {
  const auto leaf = ca_.leaf(client_named("a"));
  EXPECT_TRUE(verify_chain({*leaf}, {ca_.certificate}, kNow, Purpose::ClientAuth).ok());
  EXPECT_TRUE(verify_chain({*leaf}, {ca_.certificate}, kNow, Purpose::Any).ok());
  EXPECT_TRUE(verify_chain({*leaf, ca_.certificate}, {ca_.certificate}, kNow, Purpose::Any).ok());
  const Authority same_name("Roadstead CA");
  EXPECT_TRUE(
      verify_chain({*leaf}, {same_name.certificate, ca_.certificate}, kNow, Purpose::Any).ok())
      << "the new and the old authority stand side by side while one replaces the other";
}

TEST_F(VerifyChain, TellsValidityWithBothTimes) {
  const auto leaf = ca_.leaf(client_named("a"));
  const auto late = check(*leaf, kNow + hours(25));
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->fault, ChainFault::Expired);
  EXPECT_THAT(late->message, HasSubstr("\"a\" expired at 2026-11-23T07:54:08Z"));
  EXPECT_THAT(late->message, HasSubstr("it is 2026-11-23T08:54:08Z"));
  const auto early = check(*leaf, kNow - hours(2));
  ASSERT_TRUE(early.has_value());
  EXPECT_EQ(early->fault, ChainFault::NotYetValid);
  EXPECT_THAT(early->message, HasSubstr("not valid before 2026-11-22T06:54:08Z"));
  EXPECT_THAT(early->message, HasSubstr("it is 2026-11-22T05:54:08Z"));
  EXPECT_FALSE(check(*leaf, kNow + hours(24) - std::chrono::seconds(1)).has_value());
}

TEST_F(VerifyChain, TellsAnUnknownIssuer) {
  const Authority stranger("Other CA");
  const auto unknown = check(*stranger.leaf(client_named("a")));
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->fault, ChainFault::UnknownIssuer);
  EXPECT_THAT(unknown->message, HasSubstr("issued by \"CN=Other CA\", which is not a trusted"));
  EXPECT_THAT(unknown->message, HasSubstr("\"CN=Roadstead CA\""));

  const Authority twin("Roadstead CA");
  const auto replaced = check(*twin.leaf(client_named("a")));
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(replaced->fault, ChainFault::UnknownIssuer);
  EXPECT_THAT(replaced->message, HasSubstr("another key"));

  // The enemy sends its own root along.
  EXPECT_FALSE(verify_chain({*stranger.leaf(client_named("a")), stranger.certificate},
                            {ca_.certificate}, kNow, Purpose::Any)
                   .ok());
  EXPECT_FALSE(verify_chain({*ca_.leaf(client_named("a"))}, {}, kNow, Purpose::Any).ok());
  EXPECT_FALSE(verify_chain({}, {ca_.certificate}, kNow, Purpose::Any).ok());
}

TEST_F(VerifyChain, TellsAWrongPurpose) {
  const auto wrong = check(*ca_.leaf(client_named("a")), kNow, Purpose::ServerAuth);
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->fault, ChainFault::WrongPurpose);
  EXPECT_THAT(wrong->message, HasSubstr("may not be used for server authentication"));
}

TEST_F(VerifyChain, ALeafIsNoAuthority) {
  SystemRandom random;
  const auto key = PrivateKey::generate_p256();
  const auto leaf = issue(client_named("leaf"), key.public_key(), ca_.certificate, ca_.key, random);
  const auto forged = weak_certificate(key, nullptr, *leaf, EVP_sha256());
  EXPECT_FALSE(verify_chain({*forged, *leaf}, {ca_.certificate}, kNow, Purpose::Any).ok());
  // Nor is an authority of path length 0 the issuer of another authority.
  const auto sub = issue(ca_named("Sub"), key.public_key(), ca_.certificate, ca_.key, random);
  const auto below = issue(client_named("b"), key.public_key(), *sub, key, random);
  for (const Purpose purpose : {Purpose::ClientAuth, Purpose::Any}) {
    const auto problem = check_chain({*below, *sub}, {ca_.certificate}, kNow, purpose);
    ASSERT_TRUE(problem.has_value());
    EXPECT_THAT(problem->message, HasSubstr("path length"));
  }
}

TEST_F(VerifyChain, RefusesABrokenSignature) {
  std::string der = ca_.leaf(client_named("a"))->der();
  der.back() = static_cast<char>(der.back() ^ 1);
  const auto broken = Certificate::from_der(der);
  ASSERT_TRUE(broken.ok()) << broken.error().message();
  EXPECT_TRUE(check(*broken).has_value());
}

TEST_F(VerifyChain, RefusesWeakSignaturesAndKeys) {
  const auto sha1 = weak_certificate(ca_.key, nullptr, ca_.certificate, EVP_sha1());
  const auto by_sha1 = check(*sha1);
  ASSERT_TRUE(by_sha1.has_value());
  EXPECT_EQ(by_sha1->fault, ChainFault::Weak);
  EXPECT_THAT(by_sha1->message, HasSubstr("ecdsa-with-SHA1"));

  const auto small = rsa_key(1024);
  const auto weak_key =
      check(*weak_certificate(ca_.key, small.get(), ca_.certificate, EVP_sha256()));
  ASSERT_TRUE(weak_key.has_value());
  EXPECT_EQ(weak_key->fault, ChainFault::Weak);
  EXPECT_THAT(weak_key->message, HasSubstr("1024"));
  EXPECT_FALSE(PublicKey::from_der(PublicKey(std::make_shared<const PublicKey::Impl>(
                                                 PublicKey::Impl{bssl::UpRef(small)}))
                                       .der())
                   .ok());

  const auto strong = rsa_key(2048);
  EXPECT_FALSE(
      check(*weak_certificate(ca_.key, strong.get(), ca_.certificate, EVP_sha256())).has_value());
}

TEST(SigningRequest, RoundTrips) {
  const auto key = PrivateKey::generate_p256();
  const auto pem = CertificateSigningRequest::create_pem(key, "replica", {"g"});
  ASSERT_TRUE(pem.ok());
  const auto read = CertificateSigningRequest::from_pem(*pem);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->common_name(), "replica");
  EXPECT_EQ(read->public_key().der(), key.public_key().der());
}

TEST(SigningRequest, RefusesAStolenKeyAndBadNames) {
  const auto key = PrivateKey::generate_p256();
  EXPECT_FALSE(CertificateSigningRequest::create_pem(key, "a\nb").ok());
  EXPECT_FALSE(CertificateSigningRequest::from_pem("").ok());

  // Another's public key under one's own signature.
  const bssl::UniquePtr<X509_REQ> request(X509_REQ_new());
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_REQ_set_pubkey(request.get(), PrivateKey::generate_p256().impl().key.get());
  X509_REQ_sign(request.get(), key.impl().key.get(), EVP_sha256());
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  EXPECT_THAT(CertificateSigningRequest::from_pem(bio_text(bio.get())).error().message(),
              HasSubstr("not signed with its own key"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace roadstead::crypto
