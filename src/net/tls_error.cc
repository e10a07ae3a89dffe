// SPDX-License-Identifier: Apache-2.0
#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/address.h"
#include "net/connect_fault.h"

namespace roadstead::net {
namespace {

struct AlertMeaning {
  std::string text;
  std::optional<ConnectFault> fault = std::nullopt;
};

// The peer's alert (RFC 8446 section 6) as what it means for who reads the message.
AlertMeaning meaning_of(int alert) {
  switch (alert) {
    case SSL_AD_CERTIFICATE_REQUIRED:
      return {"the other side requires a client certificate and got none",
              ConnectFault::OurCertificate};
    case SSL_AD_BAD_CERTIFICATE:
      return {"the other side does not accept our certificate (bad certificate)",
              ConnectFault::OurCertificate};
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return {"the other side does not support our kind of certificate",
              ConnectFault::OurCertificate};
    case SSL_AD_CERTIFICATE_REVOKED:
      return {"the other side says that our certificate is revoked", ConnectFault::OurCertificate};
    case SSL_AD_CERTIFICATE_EXPIRED:
      return {"the other side says that our certificate has expired or is not valid yet",
              ConnectFault::Clock};
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return {"the other side does not accept our certificate", ConnectFault::OurCertificate};
    case SSL_AD_UNKNOWN_CA:
      return {"the other side does not trust the CA of our certificate (unknown CA)",
              ConnectFault::OurCertificate};
    case SSL_AD_ACCESS_DENIED:
      return {"the other side denies access", ConnectFault::OurCertificate};
    case SSL_AD_UNRECOGNIZED_NAME:
      return {"the other side does not serve this host name", ConnectFault::NameNotServed};
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return {"the other side speaks none of the offered protocols (ALPN)"};
    case SSL_AD_PROTOCOL_VERSION:
      return {"no TLS version in common"};
    case SSL_AD_HANDSHAKE_FAILURE:
      return {"the other side refused the handshake (no cipher or certificate in common)"};
    default: {
      const char* name = SSL_alert_desc_string_long(alert);
      return {std::string("the other side sent the alert \"") + name + '"'};
    }
  }
}

std::string local_text(std::uint32_t code) {
  switch (ERR_GET_REASON(code)) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the client sent no certificate, which is required here";
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
      return "the other side does not speak TLS on this port (plain HTTP, perhaps)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "no TLS version in common";
    case SSL_R_NO_SHARED_CIPHER:
      return "no cipher in common";
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
      return "no signature algorithm in common";
    default: {
      const char* reason = ERR_reason_error_string(code);
      return reason != nullptr ? reason : "unknown failure";
    }
  }
}

}  // namespace

bool is_alert_of_peer() {
  const std::uint32_t code = ERR_peek_error();
  return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
}

Error take_tls_error(const std::string& during, int io_error) {
  const std::uint32_t code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  ErrorKind kind = ErrorKind::Tls;
  std::string text;
  std::optional<ConnectFault> fault;
  if (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    kind = io_error != 0 ? ErrorKind::Network : ErrorKind::EndOfStream;
    text = io_error != 0
               ? errno_text(io_error)
               : "the other side closed the connection without ending it (no close_notify)";
  } else if (is_alert_of_peer()) {
    AlertMeaning alert = meaning_of(reason - SSL_AD_REASON_OFFSET);
    text = std::move(alert.text);
    fault = alert.fault;
  } else {
    text = local_text(code);
  }
  ERR_clear_error();
  Error error(kind, during + ": " + text);
  return fault.has_value() ? with_fault(std::move(error), *fault) : std::move(error);
}

}  // namespace roadstead::net
