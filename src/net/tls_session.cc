// SPDX-License-Identifier: Apache-2.0
// The TlsSession side of a TLS stream: what is known about the peer.
#include <openssl/err.h>
#include <openssl/pool.h>

#include "net/tls_stream_impl.h"

namespace roadstead::net {

const std::vector<std::string>& TlsStream::peer_chain() const {
  if (peer_chain_.empty()) {
    const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl_.get());
    const std::size_t length = chain != nullptr ? sk_CRYPTO_BUFFER_num(chain) : 0;
    for (std::size_t i = 0; i < length; ++i) {
      const CRYPTO_BUFFER* one = sk_CRYPTO_BUFFER_value(chain, i);
      peer_chain_.emplace_back(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(one)),
                               CRYPTO_BUFFER_len(one));
    }
  }
  return peer_chain_;
}

bool TlsStream::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TlsStream::protocol() const { return SSL_get_version(ssl_.get()); }

Result<std::array<std::byte, 32>> TlsStream::export_keying_material(std::string_view label) {
  if (SSL_version(ssl_.get()) < TLS1_3_VERSION) {
    return Error(ErrorKind::Unsupported, "keying material is exported from TLS 1.3 only");
  }
  std::array<std::byte, 32> out{};
  if (SSL_export_keying_material(ssl_.get(), reinterpret_cast<std::uint8_t*>(out.data()),
                                 out.size(), label.data(), label.size(), nullptr, 0, 0) != 1) {
    ERR_clear_error();
    return Error(ErrorKind::Tls, "keying material cannot be exported before the handshake");
  }
  return out;
}

}  // namespace roadstead::net
