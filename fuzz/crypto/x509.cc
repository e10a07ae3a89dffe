// SPDX-License-Identifier: Apache-2.0
// Certificates (DER and PEM), signing requests, keys and chain checks. What is accepted has names
// without control characters and is written as it was read.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "crypto/certificate.h"

namespace {

using namespace roadstead;
using crypto::Certificate;

void check_names(const Certificate& certificate) {
  const auto clean = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; });
  };
  CHECK(clean(certificate.common_name()), "common name");
  for (const auto* list : {&certificate.organizations(), &certificate.dns_names(),
                           &certificate.ip_addresses(), &certificate.uris()}) {
    CHECK(std::all_of(list->begin(), list->end(), clean), "names");
  }
  CHECK(clean(certificate.issuer()) && clean(certificate.subject()), "RFC 2253 text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const WallTime now = WallTime(std::chrono::seconds(1'800'000'000));

  const auto single = Certificate::from_der(input);
  if (single.ok()) {
    check_names(*single);
    CHECK(single->der() == input, "DER has one form");
    (void)crypto::check_chain({*single}, {*single}, now, crypto::Purpose::ServerAuth);
    (void)single->public_key().verify("message", "signature");
  }
  const auto chain = Certificate::chain_from_pem(input);
  if (chain.ok()) {
    std::for_each(chain->begin(), chain->end(), check_names);
    for (const auto purpose : {crypto::Purpose::ClientAuth, crypto::Purpose::Any}) {
      (void)crypto::check_chain(*chain, {chain->back()}, now, purpose);
      (void)crypto::check_chain(*chain, {}, now, purpose);
    }
  }
  (void)crypto::CertificateSigningRequest::from_pem(input);
  (void)crypto::PublicKey::from_pem(input);
  const auto key = crypto::PublicKey::from_der(input);
  CHECK(!key.ok() || crypto::PublicKey::from_der(key->der()).ok(), "keys read back");
  return 0;
}
