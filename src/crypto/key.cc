// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>

#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

constexpr std::size_t kMaxKeyBytes = 16 * 1024;

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Result<PublicKey> accept_public(bssl::UniquePtr<EVP_PKEY> key) {
  if (key == nullptr) {
    return library_error(ErrorKind::InvalidArgument, "not a public key (SubjectPublicKeyInfo)");
  }
  TRY_VOID(check_key_strength(key.get()));
  return PublicKey(std::make_shared<const PublicKey::Impl>(PublicKey::Impl{std::move(key)}));
}

Result<void> check_size(std::string_view text) {
  if (text.size() > kMaxKeyBytes) {
    return Error(ErrorKind::PayloadTooLarge, "a key of more than 16 KiB");
  }
  return {};
}

// Without it AWS-LC would ask for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  TRY_VOID(check_size(pem));
  const auto bio = memory_reader(pem);
  return accept_public(
      bssl::UniquePtr<EVP_PKEY>(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr)));
}

Result<PublicKey> PublicKey::from_der(std::string_view spki_der) {
  TRY_VOID(check_size(spki_der));
  CBS input;
  CBS_init(&input, bytes(spki_der), spki_der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&input));
  if (key != nullptr && CBS_len(&input) != 0) {
    return Error(ErrorKind::InvalidArgument, "bytes follow the public key");
  }
  return accept_public(std::move(key));
}

std::string PublicKey::der() const {
  bssl::ScopedCBB out;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  CHECK(CBB_init(out.get(), 128) == 1 && EVP_marshal_public_key(out.get(), impl_->key.get()) == 1 &&
            CBB_finish(out.get(), &data, &size) == 1,
        "a key that was read can be written");
  std::string text(reinterpret_cast<const char*>(data), size);
  OPENSSL_free(data);
  return text;
}

std::string PublicKey::pem() const {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PUBKEY(bio.get(), impl_->key.get()) == 1,
        "a key that was read can be written");
  return std::string(bio_text(bio.get()));
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY* key = impl_->key.get();
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, digest_of(key), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                       message.size()) == 1;
  ERR_clear_error();
  return good;
}

PrivateKey PrivateKey::generate_p256() {
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  CHECK(ec != nullptr && key != nullptr && EC_KEY_generate_key(ec.get()) == 1 &&
            EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1,
        "cannot make a P-256 key");
  return PrivateKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Result<PrivateKey> PrivateKey::from_pem(const Secret& pem) {
  TRY_VOID(check_size(pem.reveal()));
  if (pem.reveal().find("ENCRYPTED") != std::string_view::npos) {
    return Error(ErrorKind::InvalidArgument,
                 "the private key is encrypted with a pass phrase; give it without one, in a file "
                 "that only this user can read");
  }
  const auto bio = memory_reader(pem.reveal());
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (key == nullptr) {
    return library_error(ErrorKind::InvalidArgument, "not a private key in PEM form");
  }
  TRY_VOID(check_key_strength(key.get()));
  return PrivateKey(std::make_shared<const Impl>(Impl{std::move(key)}));
}

Secret PrivateKey::pem() const {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1,
        "a key that was read can be written");
  return Secret(std::string(bio_text(bio.get())));
}

PublicKey PrivateKey::public_key() const {
  // The public half alone, so that no public value keeps a private key alive.
  bssl::ScopedCBB out;
  CBS spki;
  CHECK(CBB_init(out.get(), 128) == 1 && EVP_marshal_public_key(out.get(), impl_->key.get()) == 1,
        "a key that was read can be written");
  CBS_init(&spki, CBB_data(out.get()), CBB_len(out.get()));
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&spki));
  CHECK(key != nullptr, "a key that was written can be read");
  return PublicKey(std::make_shared<const PublicKey::Impl>(PublicKey::Impl{std::move(key)}));
}

std::string PrivateKey::sign(std::string_view message) const {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY* key = impl_->key.get();
  std::string out(static_cast<std::size_t>(EVP_PKEY_size(key)), '\0');
  std::size_t size = out.size();
  CHECK(EVP_DigestSignInit(context.get(), nullptr, digest_of(key), nullptr, key) == 1 &&
            EVP_DigestSign(context.get(), reinterpret_cast<std::uint8_t*>(out.data()), &size,
                           bytes(message), message.size()) == 1,
        "signing failed");
  out.resize(size);
  return out;
}

}  // namespace roadstead::crypto
