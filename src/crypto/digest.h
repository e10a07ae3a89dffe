// SPDX-License-Identifier: Apache-2.0
// SHA-256, HMAC-SHA-256 and HKDF-SHA-256. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace roadstead::crypto {

using Sha256Digest = std::array<std::byte, 32>;

Sha256Digest sha256(std::string_view data);
std::string sha256_hex(std::string_view data);
Sha256Digest hmac_sha256(std::string_view key, std::string_view data);
std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info,
                        std::size_t length);
std::string to_hex(std::span<const std::byte> bytes);
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace roadstead::crypto
