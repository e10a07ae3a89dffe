// SPDX-License-Identifier: Apache-2.0
#include "crypto/token.h"

#include <array>

#include "codec/base64.h"
#include "crypto/digest.h"

namespace roadstead::crypto {

constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kEncodedLength = 43;

Secret make_token(Random& random, std::string_view prefix) {
  std::array<char, kRandomBytes> bytes{};
  random.fill(std::as_writable_bytes(std::span(bytes)));
  std::string token(prefix);
  token.append(codec::base64url_encode({bytes.data(), bytes.size()}));
  return Secret(std::move(token));
}

std::string token_hash(std::string_view token) { return sha256_hex(token); }

bool looks_like_token(std::string_view text, std::string_view prefix) {
  return text.size() == prefix.size() + kEncodedLength && text.starts_with(prefix) &&
         codec::base64url_decode(text.substr(prefix.size())).ok();
}

}  // namespace roadstead::crypto
