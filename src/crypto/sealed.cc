// SPDX-License-Identifier: Apache-2.0
#include "crypto/sealed.h"

#include <openssl/aead.h>
#include <openssl/err.h>

#include "codec/base64.h"

namespace roadstead::crypto {
namespace {

// "rsb1." key id "." base64url(nonce ciphertext tag)
constexpr std::string_view kPrefix = "rsb1.";
constexpr std::size_t kIdLength = 16;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
std::uint8_t* bytes(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

Error damaged(std::string_view why) {
  return Error(ErrorKind::Storage, "sealed text cannot be opened: " + std::string(why));
}

void init(EVP_AEAD_CTX* context, const Secret& key) {
  CHECK(EVP_AEAD_CTX_init(context, EVP_aead_aes_256_gcm(), bytes(key.reveal()), key.reveal().size(),
                          kTag, nullptr) == 1,
        "AES-256-GCM with a key of 32 bytes");
}

}  // namespace

std::string SealedBox::seal(const Secret& plaintext, std::string_view associated_data,
                            Random& random) const {
  bssl::ScopedEVP_AEAD_CTX context;
  init(context.get(), key_.bytes_);
  const std::string_view text = plaintext.reveal();
  std::string out(kNonce + text.size() + kTag, '\0');
  random.fill(std::as_writable_bytes(std::span(out.data(), kNonce)));
  std::size_t size = 0;
  CHECK(EVP_AEAD_CTX_seal(context.get(), bytes(out) + kNonce, &size, out.size() - kNonce,
                          bytes(out), kNonce, bytes(text), text.size(), bytes(associated_data),
                          associated_data.size()) == 1,
        "sealing failed");
  return std::string(kPrefix) + key_.id() + "." + codec::base64url_encode(out);
}

Result<Secret> SealedBox::open(std::string_view sealed, std::string_view associated_data) const {
  if (!sealed.starts_with(kPrefix) || sealed.size() <= kPrefix.size() + kIdLength ||
      sealed[kPrefix.size() + kIdLength] != '.') {
    return damaged("it is not sealed text");
  }
  const std::string_view id = sealed.substr(kPrefix.size(), kIdLength);
  if (id != key_.id()) {
    return damaged("it was sealed with another key (this one is " + key_.id() + ")");
  }
  const auto raw = codec::base64url_decode(sealed.substr(kPrefix.size() + kIdLength + 1));
  if (!raw.ok() || raw->size() < kNonce + kTag) {
    return damaged("it is cut or changed");
  }
  bssl::ScopedEVP_AEAD_CTX context;
  init(context.get(), key_.bytes_);
  std::string out(raw->size() - kNonce, '\0');
  std::size_t size = 0;
  const int good = EVP_AEAD_CTX_open(context.get(), bytes(out), &size, out.size(), bytes(*raw),
                                     kNonce, bytes(*raw) + kNonce, raw->size() - kNonce,
                                     bytes(associated_data), associated_data.size());
  ERR_clear_error();
  if (good != 1) {
    return damaged("it was changed, or is not the record that it stands for");
  }
  out.resize(size);
  return Secret(std::move(out));
}

}  // namespace roadstead::crypto
