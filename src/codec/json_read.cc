// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

namespace roadstead::codec {

const json::value* find(const json::value& root, std::initializer_list<std::string_view> path) {
  const json::value* at = &root;
  for (const std::string_view step : path) {
    const json::object* object = at->if_object();
    at = object != nullptr ? object->if_contains(step) : nullptr;
    if (at == nullptr) {
      return nullptr;
    }
  }
  return at;
}

std::string_view string_at(const json::value& root, std::initializer_list<std::string_view> path,
                           std::string_view fallback) {
  const json::value* at = find(root, path);
  return at != nullptr && at->is_string() ? std::string_view(at->get_string()) : fallback;
}

std::int64_t int_at(const json::value& root, std::initializer_list<std::string_view> path,
                    std::int64_t fallback) {
  const json::value* at = find(root, path);
  return at != nullptr && at->is_int64() ? at->get_int64() : fallback;
}

bool bool_at(const json::value& root, std::initializer_list<std::string_view> path, bool fallback) {
  const json::value* at = find(root, path);
  return at != nullptr && at->is_bool() ? at->get_bool() : fallback;
}

}  // namespace roadstead::codec
