// SPDX-License-Identifier: Apache-2.0
// Whatever JSON is accepted is written as JSON that reads back as the same value.
#include "codec/json.h"

#include <cstddef>
#include <cstdint>

#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = codec::parse_json(text);
  if (!value.ok()) {
    return 0;
  }
  CHECK(utf8::valid(text), "accepted text is UTF-8");
  const std::string written = codec::write_json(*value);
  const auto again = codec::parse_json(written, {.max_bytes = written.size()});
  CHECK(again.ok() && *again == *value, written);
  const std::string pretty = codec::write_json_pretty(*value);
  const auto third = codec::parse_json(pretty, {.max_bytes = pretty.size()});
  CHECK(third.ok() && *third == *value, pretty);
  return 0;
}
