// SPDX-License-Identifier: Apache-2.0
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pool.h>

#include <array>

#include "crypto/digest.h"
#include "net/tls_context_impl.h"
#include "net/tls_stream_impl.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostChainBytes = 64 * 1024;
constexpr std::size_t kMostChainLength = 10;
constexpr auto kSessionSeconds = static_cast<std::uint32_t>(
    std::chrono::duration_cast<std::chrono::seconds>(TicketKeys::kLifetime).count());
constexpr std::size_t kMostAlpnBytes = 255;

// Connections with the same peer share its certificates. Never freed: sessions may outlive any
// order of destruction.
CRYPTO_BUFFER_POOL* certificate_pool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  return pool;
}

// What RFC 9113 section 9.2.2 leaves for TLS 1.2; TLS 1.3 has only good ones.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256";
constexpr std::array<std::uint16_t, 10> kPeerSignatures{SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                                        SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                                        SSL_SIGN_RSA_PKCS1_SHA256,
                                                        SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                                        SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                                        SSL_SIGN_RSA_PKCS1_SHA384,
                                                        SSL_SIGN_ED25519,
                                                        SSL_SIGN_RSA_PSS_RSAE_SHA512,
                                                        SSL_SIGN_RSA_PKCS1_SHA512,
                                                        SSL_SIGN_ECDSA_SECP521R1_SHA512};

Error from_library(std::string what) {
  const std::uint32_t code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return {ErrorKind::InvalidArgument, what + (reason != nullptr ? std::string(": ") + reason : "")};
}

Result<bssl::UniquePtr<SSL_CTX>> new_context(bool tls13_only) {
  bssl::UniquePtr<SSL_CTX> ctx(SSL_CTX_new(TLS_with_buffers_method()));
  if (!ctx ||
      SSL_CTX_set_min_proto_version(ctx.get(), tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(ctx.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_strict_cipher_list(ctx.get(), kTls12Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(ctx.get(), kGroups) != 1 ||
      SSL_CTX_set_verify_algorithm_prefs(ctx.get(), kPeerSignatures.data(),
                                         kPeerSignatures.size()) != 1) {
    return from_library("TLS set-up");
  }
  SSL_CTX_set0_buffer_pool(ctx.get(), certificate_pool());
  SSL_CTX_set_max_cert_list(ctx.get(), kMostChainBytes);
  return ctx;
}

// No prompt on a terminal for an encrypted key.
int no_password(char*, int, int, void*) { return 0; }

Result<void> set_identity(SSL_CTX* ctx, const TlsIdentity& identity) {
  const std::string& pem = identity.certificate_chain_pem;
  bssl::UniquePtr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<ossl_ssize_t>(pem.size())));
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;
  std::vector<CRYPTO_BUFFER*> chain_view;
  while (chain.size() <= kMostChainLength) {
    bssl::UniquePtr<X509> one(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (!one) {
      break;
    }
    std::uint8_t* der = nullptr;
    const int length = i2d_X509(one.get(), &der);
    if (length <= 0) {
      return from_library("certificate chain");
    }
    chain.emplace_back(
        CRYPTO_BUFFER_new(der, static_cast<std::size_t>(length), certificate_pool()));
    chain_view.push_back(chain.back().get());
    OPENSSL_free(der);
  }
  ERR_clear_error();
  if (chain.empty() || chain.size() > kMostChainLength) {
    return Error(ErrorKind::InvalidArgument,
                 chain.empty() ? "certificate chain: the text holds no PEM certificate"
                               : "certificate chain: more than 10 certificates");
  }
  const std::string_view key_pem = identity.private_key_pem.reveal();
  bssl::UniquePtr<BIO> key_in(
      BIO_new_mem_buf(key_pem.data(), static_cast<ossl_ssize_t>(key_pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(key_in.get(), nullptr, no_password, nullptr));
  if (!key) {
    ERR_clear_error();
    return Error(ErrorKind::InvalidArgument,
                 "private key: the text holds no unencrypted PEM private key");
  }
  if (SSL_CTX_set_chain_and_key(ctx, chain_view.data(), chain_view.size(), key.get(), nullptr) !=
      1) {
    return from_library("private key and certificate do not go together");
  }
  return {};
}

Result<std::string> alpn_wire(const std::vector<std::string>& protocols) {
  std::string out;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > kMostAlpnBytes) {
      return Error(ErrorKind::InvalidArgument, "ALPN names have 1 to 255 bytes");
    }
    out += static_cast<char>(protocol.size());
    out += protocol;
  }
  return out;
}

int select_alpn(SSL*, const std::uint8_t** out, std::uint8_t* out_length, const std::uint8_t* in,
                unsigned in_length, void* argument) {
  const auto* context = static_cast<const TlsServerContextImpl*>(argument);
  const auto* ours = reinterpret_cast<const std::uint8_t*>(context->alpn.data());
  std::uint8_t* chosen = nullptr;
  const int result = SSL_select_next_proto(
      &chosen, out_length, ours, static_cast<unsigned>(context->alpn.size()), in, in_length);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

ssl_verify_result_t verify_peer(SSL* ssl, std::uint8_t* out_alert) {
  return TlsStream::of(ssl)->verify_peer(*out_alert) ? ssl_verify_ok : ssl_verify_invalid;
}

ssl_verify_result_t accept_any(SSL*, std::uint8_t*) { return ssl_verify_ok; }

int remember_session(SSL* ssl, SSL_SESSION* session) {
  TlsStream::of(ssl)->remember_session(bssl::UniquePtr<SSL_SESSION>(session));
  return 1;  // ours now
}

void set_client_ca_names(SSL_CTX* ctx, const ChainVerifier& roots) {
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> names(sk_CRYPTO_BUFFER_new_null());
  for (const std::string& der : roots.subjects()) {
    bssl::PushToStack(names.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(
                                       reinterpret_cast<const std::uint8_t*>(der.data()),
                                       der.size(), certificate_pool())));
  }
  SSL_CTX_set0_client_CAs(ctx, names.release());
}

Result<void> set_client_certificates(TlsServerContextImpl& context,
                                     const TlsServerOptions& options) {
  SSL_CTX* ctx = context.ssl.get();
  if (options.client_certificates == ClientCertificates::None) {
    return {};  // a server asks for none by default
  }
  if (options.session_id_context.empty()) {
    return Error(ErrorKind::InvalidArgument,
                 "session_id_context is needed where client certificates are accepted");
  }
  std::unique_ptr<ChainVerifier> roots;
  if (!options.client_roots_pem.empty()) {
    TRY(roots, ChainVerifier::create(options.client_roots_pem));
    set_client_ca_names(ctx, *roots);
  }
  if (options.client_certificates == ClientCertificates::Optional) {
    SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER, accept_any);
    return {};
  }
  if (!roots) {
    return Error(ErrorKind::InvalidArgument,
                 "client_roots_pem is needed where client certificates are required");
  }
  context.client_roots = std::move(roots);
  SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify_peer);
  return {};
}

// A resumed client was verified against the roots of its session, so other roots are another
// domain.
crypto::Sha256Digest session_domain(const TlsServerOptions& options) {
  return crypto::sha256(options.session_id_context + '\n' + options.client_roots_pem);
}

int with_ticket_key(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                    HMAC_CTX* mac, int seal) {
  const std::span<std::uint8_t, SSL_TICKET_KEY_NAME_LEN> key_name(name, SSL_TICKET_KEY_NAME_LEN);
  TlsStream& stream = *TlsStream::of(ssl);
  const TicketKeys& keys = stream.ticket_keys();
  const WallTime now = stream.executor().clock().wall();
  return seal != 0 ? keys.seal(now, key_name, iv, cipher, mac)
                   : keys.open(now, key_name, iv, cipher, mac);
}

Result<void> set_tickets(TlsServerContextImpl& context, const TlsServerOptions& options) {
  SSL_CTX* ctx = context.ssl.get();
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // tickets only: nothing kept here
  SSL_CTX_set_num_tickets(ctx, 1);
  const crypto::Sha256Digest domain = session_domain(options);
  if (SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const std::uint8_t*>(domain.data()),
                                     domain.size()) != 1) {
    return from_library("session id context");
  }
  if (!options.ticket_root.has_value()) {
    return {};
  }
  if (!options.tls13_only) {
    return Error(ErrorKind::InvalidArgument, "ticket_root is for TLS 1.3 alone");
  }
  TRY(context.tickets, TicketKeys::create(*options.ticket_root, crypto::to_hex(domain)));
  SSL_CTX_set_session_psk_dhe_timeout(ctx, kSessionSeconds);
  SSL_CTX_set_tlsext_ticket_key_cb(ctx, with_ticket_key);
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(TlsServerOptions options) {
  auto context = std::make_shared<TlsServerContextImpl>();
  TRY(context->ssl, new_context(options.tls13_only));
  SSL_CTX* ctx = context->ssl.get();
  context->client_certificates = options.client_certificates;
  TRY_VOID(set_identity(ctx, options.identity));
  TRY_VOID(set_client_certificates(*context, options));
  TRY_VOID(set_tickets(*context, options));
  TRY(context->alpn, alpn_wire(options.alpn));
  if (!context->alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, context.get());
  }
  return std::shared_ptr<TlsServerContext>(std::move(context));
}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(TlsClientOptions options) {
  auto context = std::make_shared<TlsClientContextImpl>();
  TRY(context->ssl, new_context(options.tls13_only));
  SSL_CTX* ctx = context->ssl.get();
  if (!options.roots_pem.empty() && !options.pinned_ca_sha256.empty()) {
    return Error(ErrorKind::InvalidArgument, "give either CA certificates or a CA's fingerprint");
  }
  TRY(context->roots, options.pinned_ca_sha256.empty()
                          ? ChainVerifier::create(options.roots_pem)
                          : ChainVerifier::create_pinned(options.pinned_ca_sha256));
  SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER, verify_peer);
  SSL_CTX_set_reverify_on_resume(ctx, 1);  // of which TlsStream makes a look at the dates
  if (options.identity.has_value()) {
    TRY_VOID(set_identity(ctx, *options.identity));
  }
  TRY(const std::string alpn, alpn_wire(options.alpn));
  if (!alpn.empty() &&
      SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const std::uint8_t*>(alpn.data()),
                              alpn.size()) != 0) {
    return from_library("ALPN");
  }
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_session_psk_dhe_timeout(ctx, kSessionSeconds);  // the server may say less
  SSL_CTX_sess_set_new_cb(ctx, remember_session);
  return std::shared_ptr<TlsClientContext>(std::move(context));
}

void TlsSessionCache::put(const std::string& name, bssl::UniquePtr<SSL_SESSION> session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMostNames && !sessions_.contains(name)) {
    sessions_.erase(sessions_.begin());
  }
  auto& of_name = sessions_[name];
  if (of_name.size() >= kMostForOneName) {
    of_name.pop_front();
  }
  of_name.push_back(std::move(session));
}

bssl::UniquePtr<SSL_SESSION> TlsSessionCache::take(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(name);
  if (found == sessions_.end()) {
    return nullptr;
  }
  auto& of_name = found->second;
  if (!SSL_SESSION_should_be_single_use(of_name.back().get())) {
    return bssl::UpRef(of_name.back());
  }
  bssl::UniquePtr<SSL_SESSION> session = std::move(of_name.back());
  of_name.pop_back();
  if (of_name.empty()) {
    sessions_.erase(found);
  }
  return session;
}

}  // namespace roadstead::net
