// SPDX-License-Identifier: Apache-2.0
#include "crypto/native.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>

#include <climits>

namespace roadstead::crypto {

Error library_error(ErrorKind kind, std::string_view what) {
  std::string message(what);
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  if (reason != nullptr) {
    message.append(": ").append(reason);
  }
  ERR_clear_error();
  return Error(kind, std::move(message));
}

Result<void> check_key_strength(const EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_bits(key);
      if (bits < 2048 || bits > 8192) {
        return Error(ErrorKind::InvalidArgument,
                     "an RSA key of " + std::to_string(bits) + " bits; 2048 to 8192 are accepted");
      }
      return {};
    }
    case EVP_PKEY_EC: {
      const int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
      if (curve != NID_X9_62_prime256v1 && curve != NID_secp384r1 && curve != NID_secp521r1) {
        return Error(ErrorKind::InvalidArgument,
                     "an ECDSA key on a curve other than P-256, P-384 and P-521");
      }
      return {};
    }
    case EVP_PKEY_ED25519:
      return {};
    default:
      return Error(ErrorKind::InvalidArgument,
                   "a key of an unsupported kind; RSA, ECDSA and Ed25519 are accepted");
  }
}

Result<void> check_signature_algorithm(int signature_nid) {
  switch (signature_nid) {
    case NID_ecdsa_with_SHA256:
    case NID_ecdsa_with_SHA384:
    case NID_ecdsa_with_SHA512:
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
    case NID_rsassaPss:  // AWS-LC takes it with SHA-2 only
    case NID_ED25519:
      return {};
    default:
      return Error(ErrorKind::InvalidArgument,
                   std::string("signed with ") + OBJ_nid2ln(signature_nid) +
                       ", which is weak or unknown; SHA-256, SHA-384, SHA-512 and Ed25519 "
                       "signatures are accepted");
  }
}

const EVP_MD* digest_of(const EVP_PKEY* key) {
  return EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

std::string_view bio_text(const BIO* bio) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  CHECK(BIO_mem_contents(bio, &data, &size) == 1, "not a memory BIO");
  return {reinterpret_cast<const char*>(data), size};
}

bssl::UniquePtr<BIO> memory_reader(std::string_view text) {
  CHECK(text.size() <= INT_MAX, "longer than any limit of ours");
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  CHECK(bio != nullptr, "out of memory");
  return bio;
}

}  // namespace roadstead::crypto
