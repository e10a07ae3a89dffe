// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "base/check.h"
#include "net/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto parsed = roadstead::net::parse_proxy_header(bytes);
  if (parsed.ok() && parsed->has_value()) {
    const roadstead::net::ProxyHeader& header = **parsed;
    CHECK(header.length >= 16 && header.length <= size, "more is consumed than was given");
    const auto exact = roadstead::net::parse_proxy_header(bytes.first(header.length));
    CHECK(exact.ok() && exact->has_value() && (*exact)->source_address == header.source_address,
          "bytes behind the header change it");
    const auto less = roadstead::net::parse_proxy_header(bytes.first(header.length - 1));
    CHECK(less.ok() && !less->has_value(), "the header is complete one byte early");
  }
  return 0;
}
