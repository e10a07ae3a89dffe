// SPDX-License-Identifier: Apache-2.0
// What stands behind the TLS contexts. Internal to net/.
#pragma once

#include <openssl/ssl.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "net/tls_context.h"
#include "net/tls_tickets.h"
#include "net/tls_verify.h"

namespace roadstead::net {

class TlsServerContextImpl final : public TlsServerContext {
 public:
  bssl::UniquePtr<SSL_CTX> ssl;
  ClientCertificates client_certificates = ClientCertificates::None;
  std::unique_ptr<ChainVerifier> client_roots;  // for Required
  std::optional<TicketKeys> tickets;
  std::string alpn;  // wire format, in order of preference
};

// Sessions of earlier connections, by server name; bounded; any thread.
class TlsSessionCache {
 public:
  void put(const std::string& name, bssl::UniquePtr<SSL_SESSION> session);
  // TLS 1.3 sessions are given out once (RFC 8446 appendix C.4).
  bssl::UniquePtr<SSL_SESSION> take(const std::string& name);

 private:
  static constexpr std::size_t kMostNames = 64;
  static constexpr std::size_t kMostForOneName = 8;
  std::mutex mutex_;
  std::map<std::string, std::deque<bssl::UniquePtr<SSL_SESSION>>> sessions_;
};

class TlsClientContextImpl final : public TlsClientContext {
 public:
  bssl::UniquePtr<SSL_CTX> ssl;
  std::unique_ptr<ChainVerifier> roots;
  TlsSessionCache sessions;
};

}  // namespace roadstead::net
