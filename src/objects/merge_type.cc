// SPDX-License-Identifier: Apache-2.0
// The conversion of kube-openapi/pkg/schemaconv, for structural schemas.
#include "objects/merge_type.h"

namespace roadstead::objects {
namespace {

ScalarType scalar_of(const Schema& schema) {
  switch (schema.type) {
    case SchemaType::Integer:
    case SchemaType::Number:
      return ScalarType::Numeric;
    case SchemaType::Boolean:
      return ScalarType::Boolean;
    case SchemaType::String:
      return schema.format.empty() || schema.format == "byte" ? ScalarType::String
                                                              : ScalarType::Untyped;
    default:
      return ScalarType::Untyped;
  }
}

}  // namespace

const MergeType::Field* MergeType::field(std::string_view name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : &found->second;
}

const MergeType* MergeType::type_of(std::string_view name) const {
  const Field* known = field(name);
  return known != nullptr ? known->type : other;
}

MergeSchema::MergeSchema(const Schema& schema) {
  MergeType& atomic = make();
  atomic.scalar = ScalarType::Untyped;
  atomic.list = atomic.map = atomic.atomic_map = true;
  atomic.item = atomic.other = &atomic;
  atomic_ = &atomic;

  MergeType& deduced = make();
  deduced.scalar = ScalarType::Untyped;
  deduced.list = deduced.map = true;
  deduced.item = atomic_;
  deduced.other = &deduced;
  deduced_ = &deduced;

  MergeType& root = make();
  convert_map(schema, schema.preserve_unknown, root);
  root.fields["apiVersion"] = {scalar(ScalarType::String), nullptr};
  root.fields["kind"] = {scalar(ScalarType::String), nullptr};
  root.fields["metadata"] = {metadata(), nullptr};
  root_ = &root;
}

const MergeType* MergeSchema::scalar(ScalarType type) {
  MergeType& out = make();
  out.scalar = type;
  return &out;
}

const MergeType* MergeSchema::convert(const Schema& schema, bool preserve) {
  preserve = preserve || schema.preserve_unknown;
  MergeType& out = make();
  switch (schema.type) {
    case SchemaType::Any:
      out.scalar = ScalarType::Untyped;
      convert_list(schema, preserve, out);
      convert_map(schema, preserve, out);
      break;
    case SchemaType::Object:
      convert_map(schema, preserve, out);
      break;
    case SchemaType::Array:
      convert_list(schema, preserve, out);
      break;
    default:
      out.scalar = scalar_of(schema);
  }
  return &out;
}

void MergeSchema::convert_map(const Schema& schema, bool preserve, MergeType& out) {
  out.map = true;
  out.atomic_map = schema.atomic_map;
  for (const auto& [name, child] : schema.properties) {
    out.fields[name] = {convert(*child, preserve),
                        child->default_value ? &*child->default_value : nullptr};
  }
  if (schema.additional != nullptr) {
    // "additionalProperties: true" is kept as a schema that says nothing.
    const bool anything =
        schema.additional->type == SchemaType::Any && !schema.additional->int_or_string;
    out.other = anything ? deduced_ : convert(*schema.additional, preserve);
  } else if (preserve || schema.properties.empty()) {
    out.other = deduced_;
  }
}

void MergeSchema::convert_list(const Schema& schema, bool preserve, MergeType& out) {
  out.list = true;
  out.atomic_list = schema.list_type == ListType::Atomic;
  if (schema.list_type == ListType::Map) {
    out.keys = schema.map_keys;
  }
  out.item = schema.items != nullptr ? convert(*schema.items, preserve) : atomic_;
}

// ObjectMeta, as the API server publishes it.
const MergeType* MergeSchema::metadata() {
  const MergeType* text = scalar(ScalarType::String);
  const MergeType* number = scalar(ScalarType::Numeric);
  const MergeType* flag = scalar(ScalarType::Boolean);
  const MergeType* time = scalar(ScalarType::Untyped);

  MergeType& texts = make();
  texts.map = true;
  texts.other = text;

  MergeType& finalizers = make();
  finalizers.list = true;
  finalizers.atomic_list = false;
  finalizers.item = text;

  MergeType& owner = make();
  owner.map = owner.atomic_map = true;
  for (const char* name : {"apiVersion", "kind", "name", "uid"}) {
    owner.fields[name] = {text, nullptr};
  }
  for (const char* name : {"controller", "blockOwnerDeletion"}) {
    owner.fields[name] = {flag, nullptr};
  }
  MergeType& owners = make();
  owners.list = true;
  owners.atomic_list = false;
  owners.keys = {"uid"};
  owners.item = &owner;

  MergeType& managed = make();
  managed.list = true;
  managed.item = atomic_;

  MergeType& out = make();
  out.map = true;
  for (const char* name :
       {"name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"}) {
    out.fields[name] = {text, nullptr};
  }
  for (const char* name : {"generation", "deletionGracePeriodSeconds"}) {
    out.fields[name] = {number, nullptr};
  }
  for (const char* name : {"creationTimestamp", "deletionTimestamp"}) {
    out.fields[name] = {time, nullptr};
  }
  out.fields["labels"] = {&texts, nullptr};
  out.fields["annotations"] = {&texts, nullptr};
  out.fields["finalizers"] = {&finalizers, nullptr};
  out.fields["ownerReferences"] = {&owners, nullptr};
  out.fields["managedFields"] = {&managed, nullptr};
  return &out;
}

}  // namespace roadstead::objects
