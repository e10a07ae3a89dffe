// SPDX-License-Identifier: Apache-2.0
// RFC 4648 base64 and base64url (without padding). Decoding is strict: no white space, no foreign
// characters, canonical trailing bits.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace roadstead::codec {

std::string base64_encode(std::string_view bytes);
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);
Result<std::string> base64url_decode(std::string_view text);

}  // namespace roadstead::codec
