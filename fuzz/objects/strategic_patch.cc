// SPDX-License-Identifier: Apache-2.0
// Strategic merge patch of a namespace: {"document": …, "patch": …}.
#include "objects/strategic_patch.h"

#include <cstddef>
#include <cstdint>

#include "objects/kind.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  static const objects::KindRegistry kinds = std::move(*objects::KindRegistry::builtin());
  const auto input = codec::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!input.ok()) {
    return 0;
  }
  const auto* document = codec::find(*input, {"document"});
  const auto* patch = codec::find(*input, {"patch"});
  if (document == nullptr || patch == nullptr || !document->is_object() || !patch->is_object()) {
    return 0;
  }
  codec::json::value patched = *document;
  const auto& type = kinds.find_kind("", "Namespace")->merge->root();
  if (objects::apply_strategic_patch(type, patched, *patch).ok()) {
    (void)codec::write_json(patched);
  }
  return 0;
}
