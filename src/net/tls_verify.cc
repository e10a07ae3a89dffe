// SPDX-License-Identifier: Apache-2.0
#include "net/tls_verify.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/ascii.h"
#include "base/rfc3339.h"
#include "crypto/digest.h"
#include "net/connect_fault.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostRootsBytes = 4 * 1024 * 1024;
constexpr std::size_t kMostChainLength = 10;
constexpr std::size_t kMostNamesShown = 8;

std::string name_text(const X509_NAME* name) {
  bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  const std::uint8_t* text = nullptr;
  std::size_t length = 0;
  BIO_mem_contents(out.get(), &text, &length);
  if (length == 0) {
    return "(no name)";
  }
  return {reinterpret_cast<const char*>(text), std::min<std::size_t>(length, 200)};
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string time_text(const ASN1_TIME* time) {
  std::int64_t seconds = 0;
  if (ASN1_TIME_to_posix(time, &seconds) != 1) {
    return "an unreadable time";
  }
  // Far dates do not fit nanoseconds since 1970.
  constexpr std::int64_t kYear2262 = 9'214'646'400;
  if (seconds > kYear2262) {
    return "after the year 2261";
  }
  if (seconds < 0) {
    return "before 1970";
  }
  return format_rfc3339(WallTime(std::chrono::seconds(seconds)));
}

// Control characters and quotes in a certificate's names must not shape a log line.
std::string printable(const unsigned char* data, std::size_t length) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(length, 253); ++i) {
    out += data[i] > ' ' && data[i] < 0x7f ? static_cast<char>(data[i]) : '?';
  }
  return out;
}

std::string names_text(X509* leaf) {
  bssl::UniquePtr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  std::size_t shown = 0;
  const std::size_t count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      text = printable(ASN1_STRING_get0_data(name->d.dNSName),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const int length = ASN1_STRING_length(name->d.iPAddress);
      std::array<char, INET6_ADDRSTRLEN> address{};
      if (length == 4 || length == 16) {
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress),
                  address.data(), address.size());
        text = address.data();
      }
    }
    if (text.empty()) {
      continue;
    }
    if (++shown > kMostNamesShown) {
      return out + " and more";
    }
    out += (out.empty() ? "" : ", ") + text;
  }
  return out.empty() ? "no host name or address at all" : out;
}

std::string clock_hint(X509* certificate, WallTime now) {
  return "valid from " + time_text(X509_get0_notBefore(certificate)) + " to " +
         time_text(X509_get0_notAfter(certificate)) + ", and the clock here says " +
         format_rfc3339(now);
}

std::string certificate_text(X509* certificate, bool is_leaf, std::string_view whose) {
  return is_leaf ? "the " + std::string(whose) + "'s certificate"
                 : "the CA certificate " + quoted(name_text(X509_get_subject_name(certificate)));
}

Error unreadable(std::string_view whose) {
  return Error(ErrorKind::Tls, "the " + std::string(whose) + "'s certificate cannot be read");
}

Error expired(const std::string& text, X509* certificate, WallTime now) {
  return with_fault(Error(ErrorKind::Tls, text + " has expired: " + clock_hint(certificate, now)),
                    ConnectFault::Clock);
}

Error not_yet_valid(const std::string& text, X509* certificate, WallTime now) {
  return with_fault(Error(ErrorKind::Tls, text + " is not valid yet (is the clock right?): " +
                                              clock_hint(certificate, now)),
                    ConnectFault::Clock);
}

int alert_for(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return SSL_AD_CERTIFICATE_EXPIRED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return SSL_AD_UNKNOWN_CA;
    default:
      return SSL_AD_BAD_CERTIFICATE;
  }
}

}  // namespace

bool is_ip_address(const std::string& text) {
  in6_addr ignored{};
  return inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

Result<std::unique_ptr<ChainVerifier>> ChainVerifier::create(std::string_view roots_pem) {
  if (roots_pem.size() > kMostRootsBytes) {
    return Error(ErrorKind::InvalidArgument, "CA certificates: more than 4 MiB of PEM text");
  }
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  bssl::UniquePtr<BIO> in(
      BIO_new_mem_buf(roots_pem.data(), static_cast<ossl_ssize_t>(roots_pem.size())));
  std::vector<bssl::UniquePtr<X509>> roots;
  for (;;) {
    bssl::UniquePtr<X509> root(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (!root) {
      break;
    }
    X509_STORE_add_cert(store.get(), root.get());
    roots.push_back(std::move(root));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (roots.empty() || !at_end) {
    return Error(ErrorKind::InvalidArgument,
                 roots.empty() ? "CA certificates: the text holds no PEM certificate"
                               : "CA certificates: certificate " +
                                     std::to_string(roots.size() + 1) + " is damaged");
  }
  return std::unique_ptr<ChainVerifier>(new ChainVerifier(std::move(store), std::move(roots)));
}

Result<std::unique_ptr<ChainVerifier>> ChainVerifier::create_pinned(std::string_view ca_sha256) {
  constexpr std::size_t kHexDigits = 64;
  if (ca_sha256.size() != kHexDigits ||
      ca_sha256.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
    return Error(ErrorKind::InvalidArgument,
                 "a CA's fingerprint has 64 hexadecimal digits (SHA-256 of the certificate)");
  }
  std::unique_ptr<ChainVerifier> verifier(
      new ChainVerifier(bssl::UniquePtr<X509_STORE>(X509_STORE_new()), {}));
  verifier->pin_ = ascii::to_lower(ca_sha256);
  return verifier;
}

Result<void> ChainVerifier::verify_server(const STACK_OF(CRYPTO_BUFFER) * chain,
                                          const std::string& server_name, WallTime now,
                                          std::uint8_t& alert) const {
  return pin_.empty() ? verify(chain, &server_name, now, alert)
                      : verify_pinned(chain, server_name, now, alert);
}

Result<void> ChainVerifier::verify_pinned(const STACK_OF(CRYPTO_BUFFER) * chain,
                                          const std::string& server_name, WallTime now,
                                          std::uint8_t& alert) const {
  alert = SSL_AD_UNKNOWN_CA;
  const std::size_t length = chain != nullptr ? sk_CRYPTO_BUFFER_num(chain) : 0;
  for (std::size_t i = 0; i < std::min(length, kMostChainLength); ++i) {
    CRYPTO_BUFFER* one = sk_CRYPTO_BUFFER_value(chain, i);
    const std::string_view der(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(one)),
                               CRYPTO_BUFFER_len(one));
    if (crypto::sha256_hex(der) != pin_) {
      continue;
    }
    bssl::UniquePtr<X509> root(X509_parse_from_buffer(one));
    if (!root || X509_check_ca(root.get()) == 0) {
      ERR_clear_error();
      return Error(ErrorKind::Tls,
                   "the expected fingerprint is that of a certificate of the server which is no "
                   "CA; give the fingerprint of the CA that issued it");
    }
    bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), root.get());
    std::vector<bssl::UniquePtr<X509>> roots;
    roots.push_back(std::move(root));
    return ChainVerifier(std::move(store), std::move(roots))
        .verify(chain, &server_name, now, alert);
  }
  return Error(ErrorKind::Tls,
               "the server's certificate does not come from the expected CA: none of the " +
                   std::to_string(length) +
                   " certificates that it sent has the SHA-256 fingerprint " + pin_ +
                   "; either this is another server, or somebody is in between");
}

Result<void> ChainVerifier::verify_client(const STACK_OF(CRYPTO_BUFFER) * chain, WallTime now,
                                          std::uint8_t& alert) const {
  return verify(chain, nullptr, now, alert);
}

Result<void> ChainVerifier::verify_dates(const STACK_OF(CRYPTO_BUFFER) * chain,
                                         std::string_view whose, WallTime now,
                                         std::uint8_t& alert) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  for (std::size_t i = 0; chain != nullptr && i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    const bssl::UniquePtr<X509> one(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, i)));
    if (!one) {
      ERR_clear_error();
      alert = SSL_AD_BAD_CERTIFICATE;
      return unreadable(whose);
    }
    if (X509_cmp_time_posix(X509_get0_notAfter(one.get()), seconds.count()) <= 0) {
      alert = SSL_AD_CERTIFICATE_EXPIRED;
      return expired(certificate_text(one.get(), i == 0, whose), one.get(), now);
    }
    if (X509_cmp_time_posix(X509_get0_notBefore(one.get()), seconds.count()) > 0) {
      alert = SSL_AD_BAD_CERTIFICATE;
      return not_yet_valid(certificate_text(one.get(), i == 0, whose), one.get(), now);
    }
  }
  return {};
}

std::vector<std::string> ChainVerifier::subjects() const {
  std::vector<std::string> out;
  for (const auto& root : roots_) {
    std::uint8_t* der = nullptr;
    const int length = i2d_X509_NAME(X509_get_subject_name(root.get()), &der);
    if (length > 0) {
      out.emplace_back(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
    }
    OPENSSL_free(der);
  }
  return out;
}

std::string ChainVerifier::root_names() const {
  std::string out = quoted(name_text(X509_get_subject_name(roots_.front().get())));
  if (roots_.size() > 1) {
    out += " and " + std::to_string(roots_.size() - 1) + " more";
  }
  return out;
}

Result<void> ChainVerifier::verify(const STACK_OF(CRYPTO_BUFFER) * chain,
                                   const std::string* server_name, WallTime now,
                                   std::uint8_t& alert) const {
  const std::string whose = server_name != nullptr ? "server" : "client";
  alert = SSL_AD_BAD_CERTIFICATE;
  const std::size_t length = chain != nullptr ? sk_CRYPTO_BUFFER_num(chain) : 0;
  if (length == 0 || length > kMostChainLength) {
    return Error(ErrorKind::Tls, length == 0 ? "the " + whose + " sent no certificate"
                                             : "the " + whose + "'s certificate chain is too long");
  }
  bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  bssl::UniquePtr<X509> leaf;
  for (std::size_t i = 0; i < length; ++i) {
    bssl::UniquePtr<X509> one(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, i)));
    if (!one) {
      ERR_clear_error();
      return unreadable(whose);
    }
    if (i == 0) {
      leaf = std::move(one);
    } else {
      bssl::PushToStack(others.get(), std::move(one));
    }
  }

  bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store_.get(), leaf.get(), others.get());
  X509_STORE_CTX_set_default(context.get(), server_name != nullptr ? "ssl_server" : "ssl_client");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  X509_VERIFY_PARAM_set_time_posix(
      param, std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  if (server_name != nullptr) {
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set =
        is_ip_address(*server_name)
            ? X509_VERIFY_PARAM_set1_ip_asc(param, server_name->c_str())
            : X509_VERIFY_PARAM_set1_host(param, server_name->data(), server_name->size());
    if (set != 1) {
      return Error(ErrorKind::Tls, "server name " + quoted(*server_name) + " cannot be verified");
    }
  }
  const int ok = X509_verify_cert(context.get());
  ERR_clear_error();
  if (ok == 1) {
    return {};
  }

  const int error = X509_STORE_CTX_get_error(context.get());
  X509* at = X509_STORE_CTX_get_current_cert(context.get());
  if (at == nullptr) {
    at = leaf.get();
  }
  alert = static_cast<std::uint8_t>(alert_for(error));
  const bool is_leaf = X509_cmp(at, leaf.get()) == 0;
  const std::string certificate = certificate_text(at, is_leaf, whose);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return expired(certificate, at, now);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return not_yet_valid(certificate, at, now);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Error(ErrorKind::Tls, "the server's certificate is not for " + quoted(*server_name) +
                                       "; it is for " + names_text(leaf.get()));
    case X509_V_ERR_INVALID_PURPOSE:
      return Error(ErrorKind::Tls,
                   certificate + " must not be used by a " + whose + " (extended key usage)");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return with_fault(Error(ErrorKind::Tls, certificate + " is not trusted: it was issued by " +
                                                  quoted(name_text(X509_get_issuer_name(at))) +
                                                  ", and the CA given here is " + root_names()),
                        ConnectFault::NotTrusted);
    default:
      return Error(ErrorKind::Tls,
                   certificate + " is not acceptable: " + X509_verify_cert_error_string(error));
  }
}

}  // namespace roadstead::net
