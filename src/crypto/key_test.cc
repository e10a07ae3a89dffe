// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace roadstead::crypto {
namespace {

using testing::HasSubstr;

std::string repeat(char c, std::size_t n) { return std::string(n, c); }

TEST(Digest, KnownAnswers) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231 test case 1.
  EXPECT_EQ(to_hex(hmac_sha256(repeat('\x0b', 20), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  // RFC 5869 test case 3: no salt, no info.
  const std::string okm = hkdf_sha256(repeat('\x0b', 22), "", "", 42);
  EXPECT_EQ(to_hex(std::as_bytes(std::span(okm))),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Digest, ComparesInConstantTime) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

TEST(Key, SignsAndVerifiesAfterARoundTrip) {
  const auto key = PrivateKey::from_pem(PrivateKey::generate_p256().pem());
  ASSERT_TRUE(key.ok()) << key.error().message();
  const std::string signature = key->sign("message");
  for (const auto& read : {PublicKey::from_pem(key->public_key().pem()),
                           PublicKey::from_der(key->public_key().der())}) {
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_TRUE(read->verify("message", signature));
    EXPECT_FALSE(read->verify("massage", signature));
    EXPECT_FALSE(read->verify("message", signature.substr(1)));
    EXPECT_FALSE(read->verify("message", ""));
  }
  EXPECT_FALSE(PrivateKey::generate_p256().public_key().verify("message", signature));
}

TEST(Key, ReadsEd25519OfOthers) {
  // RFC 8410 section 10.3.
  const auto key = PrivateKey::from_pem(
      Secret("-----BEGIN PRIVATE KEY-----\n"
             "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
             "-----END PRIVATE KEY-----\n"));
  ASSERT_TRUE(key.ok()) << key.error().message();
  EXPECT_EQ(key->public_key().pem(),
            "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            "-----END PUBLIC KEY-----\n");
  EXPECT_TRUE(key->public_key().verify("m", key->sign("m")));
}

TEST(Key, RefusesWhatItCannotUse) {
  EXPECT_FALSE(PublicKey::from_pem("").ok());
  EXPECT_FALSE(PublicKey::from_der("junk").ok());
  const auto der = PrivateKey::generate_p256().public_key().der();
  EXPECT_THAT(PublicKey::from_der(der + "x").error().message(), HasSubstr("bytes follow"));
  EXPECT_FALSE(PrivateKey::from_pem(Secret("junk")).ok());
  EXPECT_THAT(
      PrivateKey::from_pem(Secret("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")).error().message(),
      HasSubstr("pass phrase"));
}

}  // namespace
}  // namespace roadstead::crypto
