// SPDX-License-Identifier: Apache-2.0
// Small forms: base64, times, tokens, addresses, durations, sizes, the hub's configuration.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "config/config_reader.h"
#include "config/units.h"
#include "crypto/token.h"
#include "net/address.h"
#include "net/socket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = codec::base64_decode(text); bytes.ok()) {
    CHECK(codec::base64_encode(*bytes) == text, "one form only");
  }
  if (const auto bytes = codec::base64url_decode(text); bytes.ok()) {
    CHECK(*codec::base64url_decode(codec::base64url_encode(*bytes)) == *bytes, "reads back");
  }
  if (const auto time = parse_rfc3339(text); time.ok()) {
    CHECK(parse_rfc3339(format_rfc3339_micro(*time)).ok(), format_rfc3339_micro(*time));
  }
  if (crypto::looks_like_token(text, "rst_")) {
    CHECK(text.size() == 4 + 43 && text.find_first_of("\r\n\"\\ ") == std::string_view::npos,
          "43 characters of base64url");
  }
  if (const auto address = net::parse_host_port(text, "8443"); address.ok()) {
    const std::string written = net::format_host_port(*address);
    const auto again = net::parse_host_port(written, "8443");
    CHECK(again.ok() && net::format_host_port(*again) == written, written);
    (void)net::parse_socket_address(*address);
  }
  (void)config::parse_duration(text);
  (void)config::parse_size(text);
  (void)config::parse_config(text);
  return 0;
}
