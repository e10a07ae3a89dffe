// SPDX-License-Identifier: Apache-2.0
#include "net/tls_tickets.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "crypto/digest.h"

namespace roadstead::net {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kCipherKeyBytes = 32;
constexpr std::size_t kMacKeyBytes = 32;
constexpr std::size_t kDayBytes = 8;
constexpr std::size_t kIvBytes = 16;

std::int64_t day_of(WallTime t) { return t.time_since_epoch() / kDay; }

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

bool set_mac(HMAC_CTX* mac, std::string_view key) {
  return HMAC_Init_ex(mac, key.data() + kCipherKeyBytes, kMacKeyBytes, EVP_sha256(), nullptr) == 1;
}

}  // namespace

Result<TicketKeys> TicketKeys::create(Secret root, std::string domain) {
  if (root.reveal().size() != kRootBytes) {
    return Error(ErrorKind::InvalidArgument, "the root of ticket keys must have 32 bytes");
  }
  return TicketKeys(std::move(root), std::move(domain));
}

// Half of it tells root and domain, half the day; neither is secret.
std::string TicketKeys::name_of(std::int64_t day) const {
  std::string name = crypto::hkdf_sha256(root_.reveal(), "", "ticket key name\n" + domain_,
                                         SSL_TICKET_KEY_NAME_LEN - kDayBytes);
  for (int shift = 56; shift >= 0; shift -= 8) {
    name += static_cast<char>(static_cast<std::uint64_t>(day) >> shift);
  }
  return name;
}

Secret TicketKeys::key_of(std::int64_t day) const {
  return Secret(crypto::hkdf_sha256(root_.reveal(), "",
                                    "ticket key\n" + std::to_string(day) + '\n' + domain_,
                                    kCipherKeyBytes + kMacKeyBytes));
}

int TicketKeys::seal(WallTime now, std::span<std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name,
                     std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) const {
  const std::int64_t today = day_of(now);
  std::ranges::copy(name_of(today), name.begin());
  const Secret key = key_of(today);
  const bool ok =
      RAND_bytes(iv, kIvBytes) == 1 &&
      EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, bytes_of(key.reveal()), iv) == 1 &&
      set_mac(mac, key.reveal());
  return ok ? 1 : -1;
}

int TicketKeys::open(WallTime now, std::span<const std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name,
                     const std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) const {
  constexpr int kFullHandshake = 0;
  const std::int64_t today = day_of(now);
  std::uint64_t day = 0;
  for (const std::uint8_t byte : name.last<kDayBytes>()) {
    day = day << 8 | byte;
  }
  const auto sealed = static_cast<std::int64_t>(day);
  // One day more on either side: the clock of the hub before may have been another machine's.
  if (sealed < today - kLifetime / kDay - 1 || sealed > today + 1 ||
      !std::ranges::equal(name, name_of(sealed), {}, {},
                          [](char c) { return static_cast<std::uint8_t>(c); })) {
    return kFullHandshake;
  }
  const Secret key = key_of(sealed);
  const bool ok =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, bytes_of(key.reveal()), iv) == 1 &&
      set_mac(mac, key.reveal());
  return ok ? 1 : -1;
}

}  // namespace roadstead::net
