// SPDX-License-Identifier: Apache-2.0
// Bearer tokens: a recognisable prefix (so that scanners and people know what leaked) and 256
// random bits in base64url. Only the hash is ever stored; 256 bits need no salt and no slow hash.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/secret.h"

namespace roadstead::crypto {

Secret make_token(Random& random, std::string_view prefix);  // "rsr_" gives rsr_ and 43 characters
std::string token_hash(std::string_view token);              // SHA-256, lower-case hex

// Has the prefix and the shape of a token; says nothing of its being known.
bool looks_like_token(std::string_view text, std::string_view prefix);

}  // namespace roadstead::crypto
