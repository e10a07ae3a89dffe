// SPDX-License-Identifier: Apache-2.0
// Label and field selectors, JSON paths and continue tokens of a list request.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "objects/continue_token.h"
#include "objects/json_path.h"
#include "objects/selector.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const objects::Kind kind;
  static const codec::json::value object = {
      {"metadata", {{"name", "a"}, {"namespace", "b"}, {"labels", {{"app", "x"}, {"n", "5"}}}}}};
  if (const auto labels = objects::LabelSelector::parse(text); labels.ok()) {
    const bool first = labels->matches(object);
    CHECK(first == labels->matches(object), "always the same answer");
    CHECK(!labels->empty() || first, "an empty selector takes all");
  }
  if (const auto fields = objects::FieldSelector::parse(kind, text); fields.ok()) {
    CHECK(!fields->empty() || fields->matches(object), "an empty selector takes all");
    (void)fields->matches(object);
  }
  if (const auto token = objects::decode_continue(text); token.ok()) {
    const auto again = objects::decode_continue(objects::encode_continue(*token));
    CHECK(again.ok() && again->after == token->after && again->revision == token->revision,
          "tokens read back");
  }
  (void)objects::JsonPath::compile(text);
  return 0;
}
