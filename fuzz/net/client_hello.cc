// SPDX-License-Identifier: Apache-2.0
// The parser must not depend on how the bytes arrive: what is complete or broken stays so when more
// follows, and what a prefix refuses the whole refuses.
#include "net/client_hello.h"

#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using roadstead::net::HelloState;
  const auto bytes = std::as_bytes(std::span(data, size));
  roadstead::net::ClientHello whole;
  const auto state = roadstead::net::parse_client_hello(bytes, whole);
  roadstead::net::ClientHello half;
  const auto before = roadstead::net::parse_client_hello(bytes.first(size / 2), half);
  if (!before.ok()) {
    CHECK(!state.ok(), "a refused prefix became acceptable");
  } else if (*before == HelloState::Complete) {
    CHECK(state.ok() && *state == HelloState::Complete, "a complete prefix became incomplete");
    CHECK(half.server_name == whole.server_name && half.alpn == whole.alpn, "the answer changed");
  }
  if (state.ok() && *state == HelloState::Complete) {
    for (const char c : whole.server_name) {
      CHECK(c > ' ' && c < 0x7f && c != '/' && c != '"', "an unsafe server name");
    }
  }
  return 0;
}
