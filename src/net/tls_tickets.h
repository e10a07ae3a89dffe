// SPDX-License-Identifier: Apache-2.0
// Keys that seal TLS session tickets (RFC 8446 section 4.6.1), so that sessions outlive the process
// that made them. One root; a key for each day is derived from it (RFC 5869) and opens tickets for
// as long as a session may last. Who has the root can make tickets and so be any client: it is kept
// like the key of an authority. Earlier traffic stays safe, since TLS 1.3 resumes with a fresh key
// exchange; for TLS 1.2 a root must not be used. Internal to net/. Immutable; any thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace roadstead::net {

class TicketKeys {
 public:
  static constexpr std::size_t kRootBytes = 32;
  // How long a session may be resumed. Those of Agents last as long as their certificates.
  static constexpr Duration kLifetime = std::chrono::hours(7 * 24);

  // `domain` tells apart what may not be resumed by each other, though the root is the same.
  static Result<TicketKeys> create(Secret root, std::string domain);

  // What AWS-LC asks for, see SSL_CTX_set_tlsext_ticket_key_cb. `seal` chooses name and IV.
  int seal(WallTime now, std::span<std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name, std::uint8_t* iv,
           EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) const;
  int open(WallTime now, std::span<const std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name,
           const std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) const;

 private:
  TicketKeys(Secret root, std::string domain)
      : root_(std::move(root)), domain_(std::move(domain)) {}
  std::string name_of(std::int64_t day) const;
  Secret key_of(std::int64_t day) const;

  Secret root_;
  std::string domain_;
};

}  // namespace roadstead::net
