// SPDX-License-Identifier: Apache-2.0
#include "objects/meta.h"

#include <algorithm>
#include <array>

#include "base/rfc3339.h"
#include "kube/names.h"
#include "kube/object.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

enum class MetaType : unsigned char { Text, Number, Time, TextMap, TextList, ObjectList };

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
    {"ownerReferences", MetaType::ObjectList},
    {"finalizers", MetaType::TextList},
    {"managedFields", MetaType::ObjectList},
}};

const MetaField* field_named(std::string_view name) {
  const auto found = std::find_if(kMetaFields.begin(), kMetaFields.end(),
                                  [&](const MetaField& f) { return f.name == name; });
  return found == kMetaFields.end() ? nullptr : &*found;
}

std::string_view go_type(MetaType type) {
  switch (type) {
    case MetaType::Text:
    case MetaType::TextMap:
    case MetaType::TextList:
      return "string";
    case MetaType::Number:
      return "int64";
    case MetaType::Time:
      return "time";
    case MetaType::ObjectList:
      return "object";
  }
  return "";
}

bool all_text(const json::array& list) {
  return std::all_of(list.begin(), list.end(), [](const json::value& v) { return v.is_string(); });
}

bool has_type(const json::value& value, MetaType type) {
  switch (type) {
    case MetaType::Text:
      return value.is_string();
    case MetaType::Number:
      return value.is_int64();
    case MetaType::Time:
      return value.is_string() && parse_rfc3339(value.get_string()).ok();
    case MetaType::TextMap: {
      const json::object* map = value.if_object();
      return map != nullptr && std::all_of(map->begin(), map->end(), [](const auto& pair) {
               return pair.value().is_string();
             });
    }
    case MetaType::TextList:
      return value.is_array() && all_text(value.get_array());
    case MetaType::ObjectList:
      return value.is_array() && std::all_of(value.get_array().begin(), value.get_array().end(),
                                             [](const json::value& v) { return v.is_object(); });
  }
  return false;
}

// What Go's decoder calls the part that does not fit: the first entry of a map or list that is not
// text, or the value itself.
std::string_view wrong_part(const json::value& value) {
  if (const json::object* map = value.if_object()) {
    for (const auto& [name, entry] : *map) {
      if (!entry.is_string()) {
        return wrong_part(entry);
      }
    }
    return "object";
  }
  if (value.is_array()) {
    return "array";
  }
  return value.is_number() ? "number" : value.is_bool() ? "bool" : "string";
}

bool is_empty(const json::value& value) {
  return value.is_null() || (value.is_object() && value.get_object().empty()) ||
         (value.is_array() && value.get_array().empty()) ||
         (value.is_string() && value.get_string().empty());
}

Error cannot_handle(const Kind& kind, std::string_view why) {
  return kube::bad_request(kind.kind + " in version " + kube::quote(kind.version) +
                           " cannot be handled as a " + kind.kind + ": " + std::string(why));
}

Result<void> check_type(const Kind& kind, const json::value& object) {
  const std::string_view name = codec::string_at(object, {"kind"});
  const std::string_view version = codec::string_at(object, {"apiVersion"});
  if (name.empty()) {
    const std::string text = codec::write_json(object).substr(0, 1024);
    return kube::bad_request("the object provided is unrecognized (must be of type " + kind.kind +
                             "): Object 'Kind' is missing in '" + text + "' (" + text + ")");
  }
  if (version != kind.api_version()) {
    return kube::bad_request("the API version in the data (" + std::string(version) +
                             ") does not match the expected API version (" + kind.api_version() +
                             ")");
  }
  if (name != kind.kind) {
    return kube::invalid(kind.group, name, kube::name_of(object),
                         {kube::invalid("kind", json::value(name), "must be " + kind.kind)});
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> coerce_metadata(const Kind& kind, json::object& object) {
  TRY_VOID(check_type(kind, json::value(object)));
  std::vector<std::string> unknown;
  json::value& slot = object["metadata"];
  if (slot.is_null()) {
    slot = json::object();
  }
  if (!slot.is_object()) {
    return cannot_handle(kind, "metadata must be an object");
  }
  json::object kept;
  for (auto& [name, value] : slot.get_object()) {
    const MetaField* field = field_named(name);
    if (field == nullptr) {
      unknown.push_back("metadata." + std::string(name));
      continue;
    }
    if (is_empty(value) || field->name == "managedFields" || field->name == "selfLink") {
      continue;
    }
    if (!has_type(value, field->type)) {
      return cannot_handle(kind, "json: cannot unmarshal " + std::string(wrong_part(value)) +
                                     " into Go struct field ObjectMeta." + std::string(name) +
                                     " of type " + std::string(go_type(field->type)));
    }
    kept.emplace(name, std::move(value));
  }
  if (!kind.namespaced) {
    kept.erase("namespace");
  }
  slot = std::move(kept);
  return unknown;
}

void validate_metadata(const Kind& kind, const json::value& object, kube::FieldErrors& errors) {
  const std::string_view name = kube::name_of(object);
  const std::string_view prefix = codec::string_at(object, {"metadata", "generateName"});
  if (name.empty()) {
    errors.push_back(kube::required("metadata.name", "name or generateName is required"));
  } else {
    for (const std::string& complaint : kube::check_dns1123_subdomain(name)) {
      errors.push_back(kube::invalid("metadata.name", json::value(name), complaint));
    }
  }
  if (!prefix.empty()) {
    std::string_view trimmed = prefix;
    while (trimmed.ends_with('-')) {
      trimmed.remove_suffix(1);
    }
    for (const std::string& complaint : kube::check_dns1123_subdomain(trimmed)) {
      errors.push_back(kube::invalid("metadata.generateName", json::value(prefix), complaint));
    }
  }
  if (kind.namespaced && kube::namespace_of(object).empty()) {
    errors.push_back(kube::required("metadata.namespace"));
  }
  if (const json::value* labels = codec::find(object, {"metadata", "labels"})) {
    kube::check_labels(*labels, "metadata.labels", errors);
  }
  if (const json::value* annotations = codec::find(object, {"metadata", "annotations"})) {
    kube::check_annotations(*annotations, "metadata.annotations", errors);
  }
  const json::value* finalizers = codec::find(object, {"metadata", "finalizers"});
  if (finalizers != nullptr && finalizers->is_array()) {
    for (const json::value& one : finalizers->get_array()) {
      for (const std::string& complaint : kube::check_label_key(one.get_string())) {
        errors.push_back(kube::invalid("metadata.finalizers", one, complaint));
      }
    }
  }
}

std::string generate_name(Random& random, std::string_view prefix) {
  // No vowels and no look-alikes, as apiserver/pkg/storage/names.
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kMaxPrefix = 58;
  std::string name(prefix.substr(0, kMaxPrefix));
  for (int i = 0; i < 5; ++i) {
    name += kLetters[random.below(kLetters.size())];
  }
  return name;
}

void begin_life(json::object& object, Random& random, WallTime now) {
  json::object& metadata = kube::metadata_of(object);
  for (const char* name : {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    metadata.erase(name);
  }
  metadata["uid"] = random.uuid_v4();
  metadata["creationTimestamp"] = format_rfc3339(now);
  metadata["generation"] = 1;
}

void keep_identity(const json::value& old, json::object& object) {
  json::object& metadata = kube::metadata_of(object);
  const json::object& before = old.at("metadata").get_object();
  for (const char* name : {"name", "namespace", "uid", "creationTimestamp", "generation",
                           "generateName", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    if (const json::value* value = before.if_contains(name)) {
      metadata[name] = *value;
    } else {
      metadata.erase(name);
    }
  }
}

bool has_finalizers(const json::value& object) {
  const json::value* list = codec::find(object, {"metadata", "finalizers"});
  return list != nullptr && list->is_array() && !list->get_array().empty();
}

bool is_being_deleted(const json::value& object) {
  return codec::find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

bool spec_differs(const Kind& kind, const json::value& a, const json::value& b) {
  const auto reduced = [&](const json::value& v) {
    json::object copy = v.get_object();
    copy.erase("metadata");
    if (kind.has_status) {
      copy.erase("status");
    }
    return copy;
  };
  return reduced(a) != reduced(b);
}

}  // namespace roadstead::objects
