// SPDX-License-Identifier: Apache-2.0
#include "net/tls_tickets.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <array>

namespace roadstead::net {
namespace {

using Name = std::array<std::uint8_t, SSL_TICKET_KEY_NAME_LEN>;
using Iv = std::array<std::uint8_t, EVP_MAX_IV_LENGTH>;
using Text = std::array<std::uint8_t, 64>;

constexpr WallTime kNow = WallTime(std::chrono::hours(500'000));
constexpr Duration kDay = std::chrono::hours(24);

TicketKeys keys(char root, const std::string& domain) {
  return TicketKeys::create(Secret(std::string(TicketKeys::kRootBytes, root)), domain).value();
}

struct Sealed {
  Name name{};
  Iv iv{};
  Text text{};
  std::array<std::uint8_t, 32> mac{};
};

class Contexts {
 public:
  Contexts() { HMAC_CTX_init(&mac); }
  ~Contexts() { HMAC_CTX_cleanup(&mac); }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  // One block through cipher and MAC, as AWS-LC does with a ticket.
  void run(const Text& in, Text& out, std::array<std::uint8_t, 32>& code) {
    int n = 0;
    EVP_CIPHER_CTX_set_padding(cipher.get(), 0);
    ASSERT_EQ(EVP_CipherUpdate(cipher.get(), out.data(), &n, in.data(), int(in.size())), 1);
    const Text& sealed = EVP_CIPHER_CTX_encrypting(cipher.get()) == 1 ? out : in;
    unsigned size = 0;
    ASSERT_EQ(HMAC_Update(&mac, sealed.data(), sealed.size()), 1);
    ASSERT_EQ(HMAC_Final(&mac, code.data(), &size), 1);
  }

  bssl::UniquePtr<EVP_CIPHER_CTX> cipher{EVP_CIPHER_CTX_new()};
  HMAC_CTX mac;
};

Sealed seal(const TicketKeys& with, WallTime now) {
  Sealed out;
  Contexts contexts;
  EXPECT_EQ(with.seal(now, out.name, out.iv.data(), contexts.cipher.get(), &contexts.mac), 1);
  contexts.run(Text{'t', 'i', 'c', 'k', 'e', 't'}, out.text, out.mac);
  return out;
}

bool opens(const TicketKeys& with, WallTime now, const Sealed& sealed) {
  Contexts contexts;
  if (with.open(now, sealed.name, sealed.iv.data(), contexts.cipher.get(), &contexts.mac) != 1) {
    return false;
  }
  Text text{};
  std::array<std::uint8_t, 32> mac{};
  contexts.run(sealed.text, text, mac);
  return mac == sealed.mac && text == Text{'t', 'i', 'c', 'k', 'e', 't'};
}

TEST(TicketKeysTest, OpensWhatTheSameRootAndDomainSealed) {
  const Sealed sealed = seal(keys('r', "tunnel"), kNow);
  EXPECT_TRUE(opens(keys('r', "tunnel"), kNow, sealed));
  EXPECT_FALSE(opens(keys('s', "tunnel"), kNow, sealed));
  EXPECT_FALSE(opens(keys('r', "users"), kNow, sealed));
}

TEST(TicketKeysTest, EachDayHasAKeyOfItsOwn) {
  const TicketKeys with = keys('r', "tunnel");
  const Sealed today = seal(with, kNow);
  const Sealed tomorrow = seal(with, kNow + kDay);
  EXPECT_NE(today.name, tomorrow.name);
  Sealed renamed = today;
  renamed.name = tomorrow.name;
  EXPECT_FALSE(opens(with, kNow, renamed));
}

TEST(TicketKeysTest, OpensForALifetimeAndForClocksADayApart) {
  const TicketKeys with = keys('r', "tunnel");
  const Sealed sealed = seal(with, kNow);
  EXPECT_TRUE(opens(with, kNow + TicketKeys::kLifetime, sealed));
  EXPECT_FALSE(opens(with, kNow + TicketKeys::kLifetime + 2 * kDay, sealed));
  EXPECT_TRUE(opens(with, kNow - kDay, sealed));
  EXPECT_FALSE(opens(with, kNow - 2 * kDay, sealed));
}

TEST(TicketKeysTest, ANameThatSaysAnyDayIsNoOverflow) {
  const TicketKeys with = keys('r', "tunnel");
  Sealed sealed = seal(with, kNow);
  for (const std::uint8_t byte : {std::uint8_t{0}, std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
    std::fill(sealed.name.begin() + 8, sealed.name.end(), byte);
    EXPECT_FALSE(opens(with, kNow, sealed));
  }
}

TEST(TicketKeysTest, ARootHasItsLength) {
  EXPECT_FALSE(TicketKeys::create(Secret("short"), "tunnel").ok());
}

}  // namespace
}  // namespace roadstead::net
