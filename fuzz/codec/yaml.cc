// SPDX-License-Identifier: Apache-2.0
// Whatever YAML is accepted is written as YAML that reads back as the same JSON.
#include "codec/yaml.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const auto documents =
      codec::parse_yaml({reinterpret_cast<const char*>(data), size}, {.max_nodes = 20'000});
  if (!documents.ok()) {
    return 0;
  }
  for (const codec::json::value& value : *documents) {
    const std::string written = codec::write_yaml(value);
    const auto again = codec::parse_yaml(written, {.max_bytes = written.size()});
    // JSON input may hold the float 1.0, which YAML reads as the integer 1.
    CHECK(again.ok() && again->size() == 1, written);
    const std::string settled = codec::write_yaml(again->front());
    const auto third = codec::parse_yaml(settled, {.max_bytes = settled.size()});
    CHECK(third.ok() && third->size() == 1 && third->front() == again->front(), settled);
  }
  return 0;
}
