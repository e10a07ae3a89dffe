// SPDX-License-Identifier: Apache-2.0
// The AWS-LC objects behind the public types. Only crypto/ and net/ (for SSL_CTX) include this.
// Every function here leaves AWS-LC's per-thread error queue empty: SSL_get_error reads it.
#pragma once

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/key.h"

namespace roadstead::crypto {

struct PublicKey::Impl {
  bssl::UniquePtr<EVP_PKEY> key;  // never null
};

struct PrivateKey::Impl {
  bssl::UniquePtr<EVP_PKEY> key;  // never null
};

struct Certificate::Impl {
  bssl::UniquePtr<X509> x509;  // never null
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  std::string serial_hex;
  WallTime not_before;
  WallTime not_after;
  bool is_ca = false;
  std::shared_ptr<const PublicKey::Impl> key;
};

// Reads the names and times; the same refusals as Certificate::from_der.
Result<Certificate> certificate_from_x509(bssl::UniquePtr<X509> x509);

// "what: reason", with the reason from AWS-LC's error queue, which is emptied.
Error library_error(ErrorKind kind, std::string_view what);

// RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, Ed25519.
Result<void> check_key_strength(const EVP_PKEY* key);
// No SHA-1, no MD5.
Result<void> check_signature_algorithm(int signature_nid);
// SHA-256, or null for Ed25519, which brings its own.
const EVP_MD* digest_of(const EVP_PKEY* key);

std::string_view bio_text(const BIO* bio);
bssl::UniquePtr<BIO> memory_reader(std::string_view text);

}  // namespace roadstead::crypto
