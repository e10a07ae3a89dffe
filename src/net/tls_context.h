// SPDX-License-Identifier: Apache-2.0
// TLS configurations (AWS-LC). A context is immutable and shared by the connections of one trust
// domain; replacing certificates means building a new context. There is no way to switch
// verification off: a client always verifies the server's chain and name.
// Contexts may be used from several shards.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace roadstead::net {

struct TlsIdentity {
  std::string certificate_chain_pem;  // leaf first
  Secret private_key_pem;
};

enum class ClientCertificates : unsigned char {
  None,      // not requested: browsers would prompt
  Optional,  // any certificate is taken in the handshake; the application verifies the chain and
             // answers 401, since a refused handshake tells kubectl nothing
  Required,  // must chain to client_roots_pem and be within its validity
};

struct TlsServerOptions {
  TlsIdentity identity;
  ClientCertificates client_certificates = ClientCertificates::None;
  std::string client_roots_pem;   // for Required; names sent in the request for Optional
  std::vector<std::string> alpn;  // in order of preference; no overlap refuses
  // Different in each trust domain. Sessions do not cross it, nor a change of `client_roots_pem`.
  std::string session_id_context;
  // 32 bytes from which the keys of tickets are derived, for sessions that outlive the process;
  // only with tls13_only. Random keys when absent.
  std::optional<Secret> ticket_root;
  bool tls13_only = false;  // else 1.2 is accepted
};

struct TlsClientOptions {
  // One of the two. The pin is for a first contact: 64 hex digits, the SHA-256 of the DER of a CA
  // certificate that the server must send in its chain; that certificate is then the only root.
  std::string roots_pem;
  std::string pinned_ca_sha256;
  std::optional<TlsIdentity> identity;
  std::vector<std::string> alpn;
  bool tls13_only = false;
};

class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> create(TlsServerOptions options);
  virtual ~TlsServerContext() = default;
};

class TlsClientContext {
 public:
  static Result<std::shared_ptr<TlsClientContext>> create(TlsClientOptions options);
  virtual ~TlsClientContext() = default;
};

}  // namespace roadstead::net
