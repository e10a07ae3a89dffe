// SPDX-License-Identifier: Apache-2.0
// JSON patch (RFC 6902) and merge patch (RFC 7386): {"document": …, "patch": …}.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "objects/patch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const auto input = codec::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!input.ok()) {
    return 0;
  }
  const auto* document = codec::find(*input, {"document"});
  const auto* patch = codec::find(*input, {"patch"});
  if (document == nullptr || patch == nullptr) {
    return 0;
  }
  if (const auto patched = objects::apply_json_patch(*document, *patch); patched.ok()) {
    (void)codec::write_json(*patched);
  }
  codec::json::value merged = *document;
  objects::apply_merge_patch(merged, *patch);
  codec::json::value again = merged;
  objects::apply_merge_patch(again, *patch);
  CHECK(again == merged, "a merge patch may be applied twice");
  return 0;
}
