// SPDX-License-Identifier: Apache-2.0
#include "objects/encode.h"

#include "codec/yaml.h"
#include "objects/list_body.h"

namespace roadstead::objects {
namespace {

bool wants_partial(const kube::Negotiated& form) {
  return form.representation == kube::Representation::PartialObject ||
         form.representation == kube::Representation::PartialObjectList;
}

std::string from_text(const std::string& text, const kube::Negotiated& form) {
  if (!form.yaml && !form.pretty) {
    return text + "\n";
  }
  const auto parsed = codec::parse_json(text, {.max_bytes = 1u << 30, .max_depth = 128});
  CHECK(parsed.ok(), "what the object API writes is JSON");
  return encode_value(*parsed, form);
}

// As Go writes a list of its own types: items do not repeat what the list says.
json::object native_list(const Kind& kind, const std::vector<ObjectPtr>& objects,
                         const ListMeta& meta) {
  json::object metadata = list_meta(meta);
  if (meta.continue_token.empty()) {
    metadata.erase("continue");
  }
  json::array items;
  for (const ObjectPtr& object : objects) {
    json::value item = object->parse();
    item.get_object().erase("apiVersion");
    item.get_object().erase("kind");
    items.push_back(std::move(item));
  }
  return {{"kind", kind.list_kind},
          {"apiVersion", kind.api_version()},
          {"metadata", std::move(metadata)},
          {"items", std::move(items)}};
}

}  // namespace

bool is_plain(const Encoding& encoding) {
  const kube::Representation wanted = encoding.form.representation;
  return wanted == kube::Representation::Object && !encoding.form.yaml && !encoding.form.pretty;
}

std::string_view content_type(const kube::Negotiated& form) {
  return form.yaml ? "application/yaml" : "application/json";
}

std::string encode_value(const json::value& value, const kube::Negotiated& form) {
  if (form.yaml) {
    json::value sorted = value;
    sort_names(sorted);
    return codec::write_yaml(sorted);
  }
  return (form.pretty ? codec::write_json_pretty(value) : codec::write_json(value)) + "\n";
}

std::string encode_object(const Kind& kind, const ObjectPtr& object, const Encoding& encoding,
                          WallTime now) {
  if (encoding.form.representation == kube::Representation::Table) {
    return encode_value(
        table_of(kind, {object}, {object->revision, "", std::nullopt}, encoding.table, now),
        encoding.form);
  }
  if (wants_partial(encoding.form)) {
    return encode_value(partial_metadata(object->parse(), encoding.form.version), encoding.form);
  }
  return from_text(object->text, encoding.form);
}

std::string encode_list(const Kind& kind, const std::vector<ObjectPtr>& objects,
                        const ListMeta& meta, const Encoding& encoding, WallTime now) {
  if (encoding.form.representation == kube::Representation::Table) {
    return encode_value(table_of(kind, objects, meta, encoding.table, now), encoding.form);
  }
  if (wants_partial(encoding.form)) {
    json::object out;
    out["kind"] = "PartialObjectMetadataList";
    out["apiVersion"] = "meta.k8s.io/" + encoding.form.version;
    json::object metadata = list_meta(meta);
    if (meta.continue_token.empty()) {
      metadata.erase("continue");
    }
    out["metadata"] = std::move(metadata);
    json::array items;
    for (const ObjectPtr& object : objects) {
      items.push_back(partial_metadata(object->parse(), encoding.form.version));
    }
    out["items"] = std::move(items);
    return encode_value(out, encoding.form);
  }
  if (kind.native) {
    return encode_value(native_list(kind, objects, meta), encoding.form);
  }
  const std::string text = ListBody(kind, objects, meta).rest();
  return from_text(text.substr(0, text.size() - 1), encoding.form);
}

}  // namespace roadstead::objects
