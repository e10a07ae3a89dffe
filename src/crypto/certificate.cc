// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/digest.h"
#include "crypto/names.h"
#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

constexpr std::size_t kMaxCertificate = 64 * 1024;

std::string_view text_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)),
          static_cast<std::size_t>(ASN1_STRING_length(s))};
}

// Certificates may hold years that nanoseconds in 64 bits cannot.
WallTime clamped(std::int64_t posix) {
  constexpr std::int64_t kLimit = 9'200'000'000;  // year 2261
  return WallTime(std::chrono::seconds(std::clamp(posix, -kLimit, kLimit)));
}

Result<WallTime> read_time(const ASN1_TIME* time) {
  std::int64_t posix = 0;
  if (ASN1_TIME_to_posix(time, &posix) != 1) {
    return library_error(ErrorKind::InvalidArgument, "the certificate's validity is malformed");
  }
  return clamped(posix);
}

std::string read_serial(const X509* x509) {
  const bssl::UniquePtr<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nullptr));
  CHECK(number != nullptr, "out of memory");
  char* hex = BN_bn2hex(number.get());
  CHECK(hex != nullptr, "out of memory");
  std::string out = hex;
  OPENSSL_free(hex);
  out.erase(0, std::min(out.find_first_not_of('0'), out.size() - 1));
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return out;
}

Result<std::string> read_ip(std::string_view raw) {
  char out[INET6_ADDRSTRLEN];
  if (raw.size() != 4 && raw.size() != 16) {
    return Error(ErrorKind::InvalidArgument, "an IP address name of a wrong length");
  }
  inet_ntop(raw.size() == 4 ? AF_INET : AF_INET6, raw.data(), out, sizeof(out));
  return std::string(out);
}

Result<void> read_alternative_names(Certificate::Impl& impl) {
  int critical = 0;
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(impl.x509.get(), NID_subject_alt_name, &critical, nullptr)));
  if (names == nullptr) {
    if (critical != -1) {
      return library_error(ErrorKind::InvalidArgument, "the alternative names are malformed");
    }
    return {};
  }
  for (const GENERAL_NAME* name : names.get()) {
    if (name->type == GEN_DNS) {
      const std::string_view text = text_of(name->d.dNSName);
      TRY_VOID(check_ascii_name("DNS name", text));
      impl.dns_names.emplace_back(text);
    } else if (name->type == GEN_URI) {
      const std::string_view text = text_of(name->d.uniformResourceIdentifier);
      TRY_VOID(check_ascii_name("URI name", text));
      impl.uris.emplace_back(text);
    } else if (name->type == GEN_IPADD) {
      TRY(std::string address, read_ip(text_of(name->d.iPAddress)));
      impl.ip_addresses.push_back(std::move(address));
    }
  }
  return {};
}

}  // namespace

Result<Certificate> certificate_from_x509(bssl::UniquePtr<X509> x509) {
  Certificate::Impl impl;
  impl.x509 = std::move(x509);
  X509* cert = impl.x509.get();
  TRY(SubjectNames subject, read_subject(X509_get_subject_name(cert)));
  impl.common_name = std::move(subject.common_name);
  impl.organizations = std::move(subject.organizations);
  TRY_VOID(read_alternative_names(impl));
  TRY(impl.not_before, read_time(X509_get0_notBefore(cert)));
  TRY(impl.not_after, read_time(X509_get0_notAfter(cert)));
  impl.serial_hex = read_serial(cert);
  const std::uint32_t flags = X509_get_extension_flags(cert);
  if ((flags & EXFLAG_INVALID) != 0) {
    return library_error(ErrorKind::InvalidArgument, "the certificate's extensions are malformed");
  }
  impl.is_ca = (flags & EXFLAG_CA) != 0;
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(cert));
  if (key == nullptr) {
    return library_error(ErrorKind::InvalidArgument, "the certificate's key cannot be read");
  }
  impl.key = std::make_shared<const PublicKey::Impl>(PublicKey::Impl{std::move(key)});
  ERR_clear_error();
  return Certificate(std::make_shared<const Certificate::Impl>(std::move(impl)));
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  if (der.size() > kMaxCertificate) {
    return Error(ErrorKind::PayloadTooLarge, "a certificate of more than 64 KiB");
  }
  const auto* at = reinterpret_cast<const std::uint8_t*>(der.data());
  const auto* end = at + der.size();
  bssl::UniquePtr<X509> x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr) {
    return library_error(ErrorKind::InvalidArgument, "not an X.509 certificate");
  }
  if (at != end) {
    return Error(ErrorKind::InvalidArgument, "bytes follow the certificate");
  }
  TRY(Certificate certificate, certificate_from_x509(std::move(x509)));
  // RFC 5280 section 4.1. The library takes some other encodings, and two forms of one certificate
  // would have two fingerprints.
  if (certificate.der() != der) {
    return Error(ErrorKind::InvalidArgument, "the certificate is not encoded in DER");
  }
  return certificate;
}

Result<std::vector<Certificate>> Certificate::chain_from_pem(std::string_view pem,
                                                             std::size_t max_count) {
  if (pem.size() > max_count * 2 * kMaxCertificate) {
    return Error(ErrorKind::PayloadTooLarge, "a certificate chain that is too long");
  }
  std::vector<Certificate> out;
  const auto bio = memory_reader(pem);
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    std::uint8_t* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
      break;
    }
    const bssl::UniquePtr<char> owned_name(name);
    const bssl::UniquePtr<char> owned_header(header);
    const bssl::UniquePtr<std::uint8_t> owned_data(data);
    if (std::string_view(name) != "CERTIFICATE") {
      continue;  // a key beside its certificate, for one
    }
    if (out.size() == max_count) {
      return Error(ErrorKind::InvalidArgument,
                   "more than " + std::to_string(max_count) + " certificates");
    }
    auto certificate = from_der({reinterpret_cast<char*>(data), static_cast<std::size_t>(size)});
    TRY(Certificate next,
        std::move(certificate)
            .with_context("certificate " + std::to_string(out.size() + 1) + " of the PEM text"));
    out.push_back(std::move(next));
  }
  const auto code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return library_error(ErrorKind::InvalidArgument,
                         "malformed PEM after certificate " + std::to_string(out.size()));
  }
  ERR_clear_error();
  if (out.empty()) {
    return Error(ErrorKind::InvalidArgument,
                 "no certificate: a block starting with -----BEGIN CERTIFICATE----- is expected");
  }
  return out;
}

std::string Certificate::der() const {
  std::uint8_t* data = nullptr;
  const int size = i2d_X509(impl_->x509.get(), &data);
  CHECK(size > 0, "a certificate that was read can be written");
  std::string out(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return out;
}

std::string Certificate::pem() const {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), impl_->x509.get()) == 1,
        "a certificate that was read can be written");
  return std::string(bio_text(bio.get()));
}

const std::string& Certificate::common_name() const { return impl_->common_name; }
const std::vector<std::string>& Certificate::organizations() const { return impl_->organizations; }
const std::vector<std::string>& Certificate::dns_names() const { return impl_->dns_names; }
const std::vector<std::string>& Certificate::ip_addresses() const { return impl_->ip_addresses; }
const std::vector<std::string>& Certificate::uris() const { return impl_->uris; }
const std::string& Certificate::serial_hex() const { return impl_->serial_hex; }
std::string Certificate::fingerprint() const { return sha256_hex(der()); }
std::string Certificate::issuer() const { return rfc2253(X509_get_issuer_name(impl_->x509.get())); }
std::string Certificate::subject() const {
  return rfc2253(X509_get_subject_name(impl_->x509.get()));
}
WallTime Certificate::not_before() const { return impl_->not_before; }
WallTime Certificate::not_after() const { return impl_->not_after; }
bool Certificate::is_ca() const { return impl_->is_ca; }
PublicKey Certificate::public_key() const { return PublicKey(impl_->key); }

}  // namespace roadstead::crypto
