// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

#include "crypto/certificate.h"
#include "crypto/names.h"
#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

// Everything in this file fails only for want of memory, except where a Result says otherwise.
void must(int result) { CHECK(result == 1, "AWS-LC could not build a certificate"); }

Error invalid(std::string message) { return Error(ErrorKind::InvalidArgument, std::move(message)); }

std::int64_t posix(WallTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

Result<void> check(const CertificateTemplate& t) {
  if (t.not_after <= t.not_before) {
    return invalid("the certificate would end before it begins");
  }
  if (t.common_name.empty() && t.dns_names.empty() && t.ip_addresses.empty() && t.uris.empty()) {
    return invalid("a certificate needs a name");
  }
  if (!t.ca && !t.client_auth && !t.server_auth) {
    return invalid("a certificate needs a purpose: client or server authentication");
  }
  return {};
}

// RFC 5280 4.1.2.2: positive and at most 20 octets.
void set_serial(X509* x509, Random& random) {
  std::array<std::byte, 16> bytes{};
  const bssl::UniquePtr<BIGNUM> number(BN_new());
  do {
    random.fill(bytes);
    CHECK(BN_bin2bn(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                    number.get()) != nullptr,
          "out of memory");
  } while (BN_is_zero(number.get()));
  const bssl::UniquePtr<ASN1_INTEGER> serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  must(X509_set_serialNumber(x509, serial.get()));
}

void add_extension(X509* x509, int nid, void* value, bool critical) {
  must(X509_add1_ext_i2d(x509, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT));
}

void add_constraints_and_usage(X509* x509, const CertificateTemplate& t) {
  const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  if (t.ca) {
    constraints->ca = ASN1_BOOLEAN_TRUE;
    constraints->pathlen = ASN1_INTEGER_new();
    must(ASN1_INTEGER_set(constraints->pathlen, t.path_length));
  }
  add_extension(x509, NID_basic_constraints, constraints.get(), true);

  // Bits of RFC 5280 4.2.1.3.
  constexpr int kDigitalSignature = 0;
  constexpr int kKeyCertSign = 5;
  constexpr int kCrlSign = 6;
  const bssl::UniquePtr<ASN1_BIT_STRING> usage(ASN1_BIT_STRING_new());
  must(ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignature, t.ca ? 0 : 1));
  if (t.ca) {
    must(ASN1_BIT_STRING_set_bit(usage.get(), kKeyCertSign, 1));
    must(ASN1_BIT_STRING_set_bit(usage.get(), kCrlSign, 1));
  }
  add_extension(x509, NID_key_usage, usage.get(), true);

  const bssl::UniquePtr<EXTENDED_KEY_USAGE> purposes(sk_ASN1_OBJECT_new_null());
  if (t.client_auth) {
    CHECK(sk_ASN1_OBJECT_push(purposes.get(), OBJ_nid2obj(NID_client_auth)) > 0, "out of memory");
  }
  if (t.server_auth) {
    CHECK(sk_ASN1_OBJECT_push(purposes.get(), OBJ_nid2obj(NID_server_auth)) > 0, "out of memory");
  }
  if (t.client_auth || t.server_auth) {
    add_extension(x509, NID_ext_key_usage, purposes.get(), false);
  }
}

// RFC 7093 method 1: the first 160 bits of the SHA-256 of the key.
void add_key_identifiers(X509* x509, const X509* issuer) {
  std::array<std::uint8_t, 32> hash{};
  unsigned size = 0;
  must(X509_pubkey_digest(x509, EVP_sha256(), hash.data(), &size));
  const bssl::UniquePtr<ASN1_OCTET_STRING> own(ASN1_OCTET_STRING_new());
  must(ASN1_OCTET_STRING_set(own.get(), hash.data(), 20));
  add_extension(x509, NID_subject_key_identifier, own.get(), false);

  bssl::UniquePtr<ASN1_OCTET_STRING> theirs(static_cast<ASN1_OCTET_STRING*>(
      X509_get_ext_d2i(issuer, NID_subject_key_identifier, nullptr, nullptr)));
  if (theirs != nullptr) {
    const bssl::UniquePtr<AUTHORITY_KEYID> authority(AUTHORITY_KEYID_new());
    authority->keyid = theirs.release();
    add_extension(x509, NID_authority_key_identifier, authority.get(), false);
  }
}

void push_name(GENERAL_NAMES* names, int type, std::string_view text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  must(ASN1_STRING_set(value, text.data(), static_cast<ossl_ssize_t>(text.size())));
  GENERAL_NAME_set0_value(name.get(), type, value);
  CHECK(bssl::PushToStack(names, std::move(name)), "out of memory");
}

Result<std::string> ip_bytes(const std::string& text) {
  std::array<char, 16> out{};
  if (inet_pton(AF_INET, text.c_str(), out.data()) == 1) {
    return std::string(out.data(), 4);
  }
  if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) {
    return std::string(out.data(), 16);
  }
  return invalid("\"" + text.substr(0, 64) + "\" is not an IP address");
}

Result<void> add_alternative_names(X509* x509, const CertificateTemplate& t) {
  const bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  for (const std::string& name : t.dns_names) {
    TRY_VOID(check_ascii_name("DNS name", name));
    push_name(names.get(), GEN_DNS, name);
  }
  for (const std::string& address : t.ip_addresses) {
    TRY_VOID(check_ascii_name("IP address", address));
    TRY(const std::string raw, ip_bytes(address));
    push_name(names.get(), GEN_IPADD, raw);
  }
  for (const std::string& uri : t.uris) {
    TRY_VOID(check_ascii_name("URI name", uri));
    push_name(names.get(), GEN_URI, uri);
  }
  if (sk_GENERAL_NAME_num(names.get()) > 0) {
    // RFC 5280 4.2.1.6: critical when the subject is empty.
    add_extension(x509, NID_subject_alt_name, names.get(),
                  X509_NAME_entry_count(X509_get_subject_name(x509)) == 0);
  }
  return {};
}

// `issuer` is null for a self-signed certificate.
Result<Certificate> build(const CertificateTemplate& t, const PublicKey& key, const X509* issuer,
                          const PrivateKey& signer, Random& random) {
  TRY_VOID(check(t));
  TRY(const auto subject, make_subject(t.common_name, t.organizations));
  bssl::UniquePtr<X509> x509(X509_new());
  CHECK(x509 != nullptr, "out of memory");
  must(X509_set_version(x509.get(), X509_VERSION_3));
  set_serial(x509.get(), random);
  must(X509_set_subject_name(x509.get(), subject.get()));
  must(X509_set_issuer_name(x509.get(),
                            issuer != nullptr ? X509_get_subject_name(issuer) : subject.get()));
  const bssl::UniquePtr<ASN1_TIME> begin(ASN1_TIME_set_posix(nullptr, posix(t.not_before)));
  const bssl::UniquePtr<ASN1_TIME> end(ASN1_TIME_set_posix(nullptr, posix(t.not_after)));
  must(X509_set1_notBefore(x509.get(), begin.get()));
  must(X509_set1_notAfter(x509.get(), end.get()));
  must(X509_set_pubkey(x509.get(), key.impl().key.get()));
  add_constraints_and_usage(x509.get(), t);
  add_key_identifiers(x509.get(), issuer != nullptr ? issuer : x509.get());
  TRY_VOID(add_alternative_names(x509.get(), t));
  EVP_PKEY* signing = signer.impl().key.get();
  CHECK(X509_sign(x509.get(), signing, digest_of(signing)) > 0, "signing failed");
  // Read back from DER: what is returned is what others will see.
  std::uint8_t* data = nullptr;
  const int size = i2d_X509(x509.get(), &data);
  CHECK(size > 0, "a certificate that was made can be written");
  const bssl::UniquePtr<std::uint8_t> owned(data);
  return Certificate::from_der({reinterpret_cast<char*>(data), static_cast<std::size_t>(size)});
}

}  // namespace

Result<Certificate> issue(const CertificateTemplate& subject, const PublicKey& subject_key,
                          const Certificate& issuer, const PrivateKey& issuer_key, Random& random) {
  const bool same = EVP_PKEY_cmp(issuer.impl().key->key.get(), issuer_key.impl().key.get()) == 1;
  ERR_clear_error();
  if (!issuer.is_ca() || !same) {
    return invalid(same ? "the issuer is not an authority"
                        : "the issuer's certificate and key do not belong together");
  }
  return build(subject, subject_key, issuer.impl().x509.get(), issuer_key, random);
}

Result<Certificate> issue_self_signed(const CertificateTemplate& subject, const PrivateKey& key,
                                      Random& random) {
  return build(subject, key.public_key(), nullptr, key, random);
}

}  // namespace roadstead::crypto
