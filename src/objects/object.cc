// SPDX-License-Identifier: Apache-2.0
#include "objects/object.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "kube/status.h"
#include "objects/object_text.h"

namespace roadstead::objects {
namespace {

// The store may hold somewhat more than a request may bring: the server adds metadata.
constexpr codec::JsonLimits kStoredLimits{.max_bytes = 8u << 20, .max_depth = 128};

}  // namespace

json::value Object::parse() const {
  auto parsed = codec::parse_json(text, kStoredLimits);
  CHECK(parsed.ok(), "an object in memory is always JSON");
  return std::move(*parsed);
}

ObjectPtr make_object(json::value value, Revision revision) {
  auto object = std::make_shared<Object>();
  object->key = kube::key_of(value);
  object->revision = revision;
  json::object& metadata = kube::metadata_of(value.get_object());
  if (revision == 0) {
    metadata.erase("resourceVersion");
  } else {
    metadata["resourceVersion"] = std::to_string(revision);
  }
  sort_names(value.get_object()["metadata"]);
  object->text = codec::write_json(value);
  return object;
}

Result<ObjectPtr> make_object(const storage::Key& key, Revision revision, std::string_view stored) {
  const auto unreadable = [&key] {
    return Error(ErrorKind::Storage, "the stored object " + key.resource + " \"" + key.path() +
                                         "\" cannot be read. Restore a backup");
  };
  if (!stored.starts_with('{') || !codec::is_json(stored, kStoredLimits)) {
    return unreadable();
  }
  std::optional<std::string> text =
      revision == 0 ? std::string(stored) : with_revision(stored, revision);
  if (!text) {  // not as this program writes it
    auto parsed = codec::parse_json(stored, kStoredLimits);
    if (!parsed.ok() || !parsed->is_object()) {
      return unreadable();
    }
    return make_object(std::move(*parsed), revision);
  }
  auto object = std::make_shared<Object>();
  object->key = {key.namespace_, key.name};
  object->revision = revision;
  object->text = std::move(*text);
  return object;
}

std::string stored_form(const json::value& object) {
  return without_revision(codec::write_json_sorted(object));
}

void plain_numbers(json::value& value) {
  if (json::array* array = value.if_array()) {
    for (json::value& item : *array) {
      plain_numbers(item);
    }
  } else if (json::object* object = value.if_object()) {
    for (auto& [name, field] : *object) {
      plain_numbers(field);
    }
  } else if (const double* number = value.if_double()) {
    constexpr double kBelow = 9223372036854775808.0;  // 2^63
    if (*number == std::trunc(*number) && *number >= -kBelow && *number < kBelow) {
      value = static_cast<std::int64_t>(*number);
    }
  }
}

void sort_names(json::value& value) {
  if (json::array* array = value.if_array()) {
    for (json::value& item : *array) {
      sort_names(item);
    }
    return;
  }
  json::object* object = value.if_object();
  if (object == nullptr) {
    return;
  }
  std::vector<std::pair<std::string, json::value>> fields;
  fields.reserve(object->size());
  for (auto& [name, field] : *object) {
    sort_names(field);
    fields.emplace_back(std::string(name), std::move(field));
  }
  std::sort(fields.begin(), fields.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  json::object sorted;
  sorted.reserve(fields.size());
  for (auto& [name, field] : fields) {
    sorted.emplace(name, std::move(field));
  }
  *object = std::move(sorted);
}

Result<Revision> parse_revision(std::string_view text) {
  Revision out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return Error(ErrorKind::InvalidArgument, "resourceVersion must be a number");
  }
  return out;
}

Error bad_revision(std::string_view text) {
  return kube::bad_request(
      "invalid resource version: resourceVersion: Invalid value: " + kube::quote(text) +
      ": strconv.ParseUint: parsing " + kube::quote(text) + ": invalid syntax");
}

}  // namespace roadstead::objects
