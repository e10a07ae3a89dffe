// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace roadstead::crypto {
namespace {

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

Sha256Digest sha256(std::string_view data) {
  Sha256Digest out;
  SHA256(bytes(data), data.size(), reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

std::string sha256_hex(std::string_view data) { return to_hex(sha256(data)); }

Sha256Digest hmac_sha256(std::string_view key, std::string_view data) {
  Sha256Digest out;
  unsigned size = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), key.size(), bytes(data), data.size(),
             reinterpret_cast<std::uint8_t*>(out.data()), &size) != nullptr,
        "HMAC failed");
  return out;
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info,
                        std::size_t length) {
  std::string out(length, '\0');
  CHECK(HKDF(reinterpret_cast<std::uint8_t*>(out.data()), out.size(), EVP_sha256(), bytes(secret),
             secret.size(), bytes(salt), salt.size(), bytes(info), info.size()) == 1,
        "HKDF gives at most 255 * 32 bytes");
  return out;
}

std::string to_hex(std::span<const std::byte> data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(data.size() * 2);
  for (const std::byte b : data) {
    out.push_back(kDigits[std::to_integer<unsigned>(b) >> 4]);
    out.push_back(kDigits[std::to_integer<unsigned>(b) & 15]);
  }
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace roadstead::crypto
