// SPDX-License-Identifier: Apache-2.0
// A schema and an object (two YAML documents): a schema is taken or refused, and an object of it is
// pruned and completed once and for all, and validated.
#include <cstddef>
#include <cstdint>

#include "codec/yaml.h"
#include "objects/field_set.h"
#include "objects/merge_type.h"
#include "objects/schema.h"
#include "objects/typed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  using namespace roadstead::objects;
  auto documents =
      codec::parse_yaml({reinterpret_cast<const char*>(data), size}, {.max_nodes = 2'000});
  if (!documents.ok() || documents->size() != 2) {
    return 0;
  }
  const auto schema = parse_schema((*documents)[0], "schema");
  if (!schema.ok()) {
    return 0;
  }
  json::value object = std::move((*documents)[1]);
  prune(**schema, object);
  CHECK(prune(**schema, object).empty(), "nothing is left to prune");
  apply_defaults(**schema, object);
  json::value again = object;
  apply_defaults(**schema, again);
  CHECK(same_value(again, object), "defaults are there");
  kube::FieldErrors errors;
  validate(**schema, object, "", errors);
  validate_lists(**schema, object, "", errors);
  validate(**schema, object, "", errors, &object);
  const MergeSchema types(**schema);
  if (check_typed(types.root(), object, Duplicates::Allow).ok()) {
    const json::value merged = merge_typed(types.root(), object, object);
    static_cast<void>(compare_typed(types.root(), object, merged));
  }
  return 0;
}
