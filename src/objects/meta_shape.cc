// SPDX-License-Identifier: Apache-2.0
// The types of ObjectMeta, in the words of Go's JSON decoder.
#include <algorithm>
#include <array>

#include "base/rfc3339.h"
#include "kube/object.h"
#include "kube/status.h"
#include "objects/meta.h"

namespace roadstead::objects {
namespace {

enum class MetaType : unsigned char {
  Text,
  Number,
  Flag,
  Time,
  TextMap,
  TextList,
  Owners,
  Managed
};

struct MetaField {
  std::string_view name;
  MetaType type;
};

constexpr std::array<MetaField, 15> kMetaFields{{
    {"name", MetaType::Text},
    {"generateName", MetaType::Text},
    {"namespace", MetaType::Text},
    {"selfLink", MetaType::Text},
    {"uid", MetaType::Text},
    {"resourceVersion", MetaType::Text},
    {"generation", MetaType::Number},
    {"creationTimestamp", MetaType::Time},
    {"deletionTimestamp", MetaType::Time},
    {"deletionGracePeriodSeconds", MetaType::Number},
    {"labels", MetaType::TextMap},
    {"annotations", MetaType::TextMap},
    {"ownerReferences", MetaType::Owners},
    {"finalizers", MetaType::TextList},
    {"managedFields", MetaType::Managed},
}};

constexpr std::array<MetaField, 6> kOwnerFields{{
    {"apiVersion", MetaType::Text},
    {"kind", MetaType::Text},
    {"name", MetaType::Text},
    {"uid", MetaType::Text},
    {"controller", MetaType::Flag},
    {"blockOwnerDeletion", MetaType::Flag},
}};

template <std::size_t N>
const MetaField* field_named(const std::array<MetaField, N>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const MetaField& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::string_view go_kind(const json::value& value) {
  return value.is_object()   ? "object"
         : value.is_array()  ? "array"
         : value.is_number() ? "number"
         : value.is_bool()   ? "bool"
                             : "string";
}

bool is_empty(const json::value& value) {
  return value.is_null() || (value.is_object() && value.get_object().empty()) ||
         (value.is_array() && value.get_array().empty()) ||
         (value.is_string() && value.get_string().empty());
}

Error cannot_unmarshal(const json::value& value, std::string_view where, std::string_view type) {
  return Error(ErrorKind::InvalidArgument, "json: cannot unmarshal " + std::string(go_kind(value)) +
                                               " into Go struct field " + std::string(where) +
                                               " of type " + std::string(type));
}

// Null becomes an empty text, as in Go.
Result<void> make_text(json::value& value, std::string_view where) {
  if (value.is_null()) {
    value = "";
  }
  return value.is_string() ? Result<void>() : cannot_unmarshal(value, where, "string");
}

Result<void> check_owner(json::value& owner, std::size_t number,
                         std::vector<std::string>& unknown) {
  if (owner.is_null()) {
    owner = json::object();
  }
  if (!owner.is_object()) {
    return cannot_unmarshal(owner, "ObjectMeta.ownerReferences", "v1.OwnerReference");
  }
  json::object kept;
  for (const char* name : {"apiVersion", "kind", "name", "uid"}) {
    kept[name] = "";
  }
  for (auto& [name, value] : owner.get_object()) {
    const MetaField* field = field_named(kOwnerFields, name);
    const std::string where = "OwnerReference.ownerReferences." + std::string(name);
    if (field == nullptr) {
      unknown.push_back("metadata.ownerReferences[" + std::to_string(number) + "]." +
                        std::string(name));
    } else if (field->type == MetaType::Text) {
      TRY_VOID(make_text(value, where));
      kept[name] = std::move(value);
    } else if (!value.is_null()) {
      if (!value.is_bool()) {
        return cannot_unmarshal(value, where, "bool");
      }
      kept[name] = std::move(value);
    }
  }
  owner = std::move(kept);
  return {};
}

Result<void> check_list(json::value& value, std::string_view where, std::string_view type) {
  if (!value.is_array()) {
    return cannot_unmarshal(value, where, "[]" + std::string(type));
  }
  for (json::value& one : value.get_array()) {
    const bool text = type == "string";
    if (text) {
      TRY_VOID(make_text(one, where));
    } else if (!one.is_object()) {
      return cannot_unmarshal(one, where, type);
    }
  }
  return {};
}

Result<void> check_time(const json::value& value, std::string_view where) {
  if (!value.is_string()) {
    return cannot_unmarshal(value, where, "string");
  }
  const std::string text(value.get_string());
  if (!parse_rfc3339(text).ok()) {
    return Error(ErrorKind::InvalidArgument,
                 "parsing time " + kube::quote(text) +
                     " as \"2006-01-02T15:04:05Z07:00\": cannot parse " + kube::quote(text) +
                     " as \"2006\"");
  }
  return {};
}

Result<void> check_field(const MetaField& field, json::value& value,
                         std::vector<std::string>& unknown) {
  const std::string where = "ObjectMeta." + std::string(field.name);
  switch (field.type) {
    case MetaType::Text:
      return value.is_string() ? Result<void>() : cannot_unmarshal(value, where, "string");
    case MetaType::Number:
      return value.is_int64() ? Result<void>() : cannot_unmarshal(value, where, "int64");
    case MetaType::Flag:
      return value.is_bool() ? Result<void>() : cannot_unmarshal(value, where, "bool");
    case MetaType::Time:
      return check_time(value, where);
    case MetaType::TextMap:
      if (!value.is_object()) {
        return cannot_unmarshal(value, where, "map[string]string");
      }
      for (auto& [name, text] : value.get_object()) {
        TRY_VOID(make_text(text, where));
      }
      return {};
    case MetaType::TextList:
      return check_list(value, where, "string");
    case MetaType::Managed:
      return check_list(value, where, "v1.ManagedFieldsEntry");
    case MetaType::Owners:
      if (!value.is_array()) {
        return cannot_unmarshal(value, where, "[]v1.OwnerReference");
      }
      for (std::size_t i = 0; i < value.get_array().size(); ++i) {
        TRY_VOID(check_owner(value.get_array()[i], i, unknown));
      }
      return {};
  }
  return {};
}

// The beginning of a body for a message; other things than objects in hexadecimal.
std::string summary(const std::string& text) {
  constexpr std::size_t kMost = 30;
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = text.substr(0, kMost);
  if (text.empty() || text[0] != '{') {
    std::string hex;
    for (const char c : out) {
      hex += kDigits[static_cast<unsigned char>(c) >> 4];
      hex += kDigits[static_cast<unsigned char>(c) & 15];
    }
    out = std::move(hex);
  }
  return text.size() > kMost ? out + " ..." : out;
}

Result<void> check_type(const Kind& kind, const json::value& object) {
  const std::string_view name = codec::string_at(object, {"kind"});
  const std::string_view version = codec::string_at(object, {"apiVersion"});
  if (name.empty()) {
    const std::string text = codec::write_json(object);
    return kube::bad_request("the object provided is unrecognized (must be of type " + kind.kind +
                             "): Object 'Kind' is missing in '" + text + "' (" + summary(text) +
                             ")");
  }
  if (version != kind.api_version()) {
    return kube::bad_request("the API version in the data (" + std::string(version) +
                             ") does not match the expected API version (" + kind.api_version() +
                             ")");
  }
  return {};
}

}  // namespace

Result<void> check_body(const Kind& kind, const json::value& body) {
  const json::object* object = body.if_object();
  const auto is_text = [&](const char* name) {
    const json::value* value = object->if_contains(name);
    return value == nullptr || value->is_string() || value->is_null();
  };
  if (body.is_null() || (object != nullptr && is_text("kind") && is_text("apiVersion"))) {
    return check_type(kind, body);
  }
  return kube::bad_request("the object provided is unrecognized (must be of type " + kind.kind +
                           "): couldn't get version/kind; json parse error: the body must be an "
                           "object with a kind and an apiVersion");
}

Result<std::vector<std::string>> coerce_metadata(const Kind& kind, json::object& object) {
  std::vector<std::string> unknown;
  json::value& slot = object["metadata"];
  if (slot.is_null()) {
    slot = json::object();
  }
  if (!slot.is_object()) {
    return Error(ErrorKind::InvalidArgument, "json: cannot unmarshal " +
                                                 std::string(go_kind(slot)) +
                                                 " into Go value of type v1.ObjectMeta");
  }
  json::object kept;
  for (auto& [name, value] : slot.get_object()) {
    const MetaField* field = field_named(kMetaFields, name);
    if (field == nullptr) {
      unknown.push_back("metadata." + std::string(name));
      continue;
    }
    if (is_empty(value)) {
      continue;
    }
    TRY_VOID(check_field(*field, value, unknown));
    kept.emplace(name, std::move(value));
  }
  if (!kind.namespaced) {
    kept.erase("namespace");
  }
  slot = std::move(kept);
  return unknown;
}

}  // namespace roadstead::objects
