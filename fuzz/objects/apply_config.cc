// SPDX-License-Identifier: Apache-2.0
// Three configurations (YAML documents: a live object, then one of each of two managers) applied
// one after another: nothing breaks, what was applied is there, and applying it again changes
// nothing.
#include <cstddef>
#include <cstdint>

#include "codec/yaml.h"
#include "objects/field_manager.h"
#include "objects/managed_fields.h"
#include "objects/typed.h"

namespace roadstead::objects {
namespace {

const Kind& kind() {
  static const std::unique_ptr<Kind> made = [] {
    const auto crd = codec::parse_yaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.test.io}
spec:
  group: test.io
  scope: Cluster
  names: {plural: ships, singular: ship, kind: Ship}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-preserve-unknown-fields: true
              properties:
                n: {type: integer}
                s: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                a: {type: array, items: {type: string}}
                m:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [k]
                  items: {type: object, properties: {k: {type: string}, v: {type: integer}}}
)");
    CHECK(crd.ok(), "the kind is YAML");
    auto parsed = parse_kind(crd->front());
    CHECK(parsed.ok(), "the kind is a kind");
    return std::move(*parsed);
  }();
  return *made;
}

void check_applied(const json::value& live, const json::value& config) {
  auto applied = apply_config(kind(), &live, config, {"one", "", WallTime()}, true);
  if (!applied.ok()) {
    return;
  }
  const MergeType& root = kind().merge->root();
  CHECK(check_typed(root, *applied, Duplicates::Allow).ok(), "the result has the type");
  auto again = apply_config(kind(), &*applied, config, {"one", "", WallTime()}, false);
  CHECK(again.ok(), "what one owns it may apply again");
  CHECK(same_value(*again, *applied), codec::write_json(*applied));
  const auto decoded = decode_managed_fields(managed_fields_of(*applied));
  CHECK(decoded.ok(), "managedFields read back");
}

}  // namespace
}  // namespace roadstead::objects

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  using namespace roadstead::objects;
  auto documents =
      codec::parse_yaml({reinterpret_cast<const char*>(data), size}, {.max_nodes = 2'000});
  if (!documents.ok() || documents->size() != 3) {
    return 0;
  }
  for (json::value& document : *documents) {
    if (!document.is_object()) {
      return 0;
    }
    json::value spec = std::move(document);
    document = json::object{{"apiVersion", "test.io/v1"},
                            {"kind", "Ship"},
                            {"metadata", json::object{{"name", "a"}, {"uid", "u"}}},
                            {"spec", std::move(spec)}};
  }
  const auto first =
      apply_config(kind(), nullptr, (*documents)[0], {"zero", "", WallTime()}, false);
  if (!first.ok()) {
    return 0;
  }
  const auto second =
      apply_config(kind(), &*first, (*documents)[1], {"two", "", WallTime()}, false);
  check_applied(second.ok() ? *second : *first, (*documents)[2]);
  return 0;
}
