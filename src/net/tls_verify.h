// SPDX-License-Identifier: Apache-2.0
// Verification of the peer's chain during a handshake (RFC 5280 section 6, names by RFC 9525), with
// messages a person can act on. Internal to net/. Immutable after creation; usable on any thread.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace roadstead::net {

class ChainVerifier {
 public:
  // Every certificate in the PEM text is a trust anchor, self-signed or not, as in Go and kubectl.
  static Result<std::unique_ptr<ChainVerifier>> create(std::string_view roots_pem);

  // The trust anchor is the CA certificate of the server's own chain whose DER has this SHA-256 (64
  // hex digits). For servers only.
  static Result<std::unique_ptr<ChainVerifier>> create_pinned(std::string_view ca_sha256);

  // `alert` receives what the peer is told on failure (RFC 8446 section 6.2).
  Result<void> verify_server(const STACK_OF(CRYPTO_BUFFER) * chain, const std::string& server_name,
                             WallTime now, std::uint8_t& alert) const;
  Result<void> verify_client(const STACK_OF(CRYPTO_BUFFER) * chain, WallTime now,
                             std::uint8_t& alert) const;

  // Whether every certificate of a chain that was verified before is still within its validity.
  static Result<void> verify_dates(const STACK_OF(CRYPTO_BUFFER) * chain, std::string_view whose,
                                   WallTime now, std::uint8_t& alert);

  // DER subject names, for the request of a client certificate.
  std::vector<std::string> subjects() const;

 private:
  explicit ChainVerifier(bssl::UniquePtr<X509_STORE> store,
                         std::vector<bssl::UniquePtr<X509>> roots)
      : store_(std::move(store)), roots_(std::move(roots)) {}

  Result<void> verify(const STACK_OF(CRYPTO_BUFFER) * chain, const std::string* server_name,
                      WallTime now, std::uint8_t& alert) const;
  Result<void> verify_pinned(const STACK_OF(CRYPTO_BUFFER) * chain, const std::string& server_name,
                             WallTime now, std::uint8_t& alert) const;
  std::string root_names() const;

  bssl::UniquePtr<X509_STORE> store_;
  std::vector<bssl::UniquePtr<X509>> roots_;
  std::string pin_;  // lower-case hex; then there are no roots
};

bool is_ip_address(const std::string& text);

}  // namespace roadstead::net
