// SPDX-License-Identifier: Apache-2.0
#include "objects/patch.h"

#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxOperations = 10'000;
constexpr std::size_t kMaxCopied = 3u << 20;  // a patch must not grow a document without bound

using Path = std::vector<std::string>;

// The API server keeps the reason to itself; so do we, `why` is for the reader of the code.
Error does_not_fit(std::string_view /*why*/) {
  kube::Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = "the server rejected our request due to an error in our request";
  status.empty_details = true;
  return kube::make_error(ErrorKind::InvalidArgument, std::move(status));
}

Result<Path> parse_pointer(std::string_view text) {
  Path path;
  if (text.empty()) {
    return path;
  }
  if (text.front() != '/') {
    return kube::bad_request("JSON pointer \"" + std::string(text) + "\" must begin with '/'");
  }
  for (const std::string_view part : ascii::split(text.substr(1), '/')) {
    std::string name;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
        name += part[++i] == '0' ? '~' : '/';
      } else {
        name += part[i];
      }
    }
    path.push_back(std::move(name));
  }
  return path;
}

std::optional<std::size_t> parse_index(std::string_view text, std::size_t limit) {
  std::size_t index = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || read.ptr != text.data() + text.size() || index >= limit) {
    return std::nullopt;
  }
  return index;
}

json::value* child(json::value& parent, std::string_view name) {
  if (json::object* object = parent.if_object()) {
    return object->if_contains(name);
  }
  if (json::array* array = parent.if_array()) {
    const auto index = parse_index(name, array->size());
    return index ? &(*array)[*index] : nullptr;
  }
  return nullptr;
}

json::value* resolve(json::value& root, const Path& path, std::size_t depth) {
  json::value* at = &root;
  for (std::size_t i = 0; i < depth && at != nullptr; ++i) {
    at = child(*at, path[i]);
  }
  return at;
}

Result<void> add(json::value& root, const Path& path, json::value value) {
  if (path.empty()) {
    root = std::move(value);
    return {};
  }
  json::value* parent = resolve(root, path, path.size() - 1);
  if (parent == nullptr) {
    return does_not_fit("add operation does not apply: doc is missing path");
  }
  if (json::object* object = parent->if_object()) {
    (*object)[path.back()] = std::move(value);
    return {};
  }
  json::array* array = parent->if_array();
  if (array == nullptr) {
    return does_not_fit("add operation does not apply: parent is neither object nor array");
  }
  const auto index = path.back() == "-" ? std::optional(array->size())
                                        : parse_index(path.back(), array->size() + 1);
  if (!index) {
    return does_not_fit("add operation does not apply: index is out of range");
  }
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

Result<json::value> take(json::value& root, const Path& path, std::string_view what) {
  json::value* parent = path.empty() ? nullptr : resolve(root, path, path.size() - 1);
  json::value* target = parent == nullptr ? nullptr : child(*parent, path.back());
  if (target == nullptr) {
    return does_not_fit(std::string(what) + " operation does not apply: doc is missing path");
  }
  json::value value = std::move(*target);
  if (json::object* object = parent->if_object()) {
    object->erase(path.back());
  } else {
    json::array& array = parent->get_array();
    array.erase(array.begin() +
                static_cast<std::ptrdiff_t>(*parse_index(path.back(), array.size())));
  }
  return value;
}

Result<json::value> value_of(const json::object& operation) {
  const json::value* value = operation.if_contains("value");
  if (value == nullptr) {
    return kube::bad_request("JSON patch: an operation is missing its 'value'");
  }
  return *value;
}

Result<Path> pointer_of(const json::object& operation, std::string_view name) {
  const json::value* text = operation.if_contains(name);
  if (text == nullptr || !text->is_string()) {
    return kube::bad_request("JSON patch: an operation is missing its '" + std::string(name) + "'");
  }
  return parse_pointer(text->get_string());
}

Result<void> apply_one(json::value& root, const json::object& operation, std::size_t& copied) {
  const json::value* name = operation.if_contains("op");
  const std::string_view op =
      name != nullptr && name->is_string() ? std::string_view(name->get_string()) : "";
  TRY(const Path path, pointer_of(operation, "path"));
  if (op == "add") {
    TRY(json::value value, value_of(operation));
    return add(root, path, std::move(value));
  }
  if (op == "remove") {
    TRY_VOID(take(root, path, "remove"));
    return {};
  }
  if (op == "replace") {
    TRY(json::value value, value_of(operation));
    json::value* target = resolve(root, path, path.size());
    if (target == nullptr) {
      return does_not_fit("replace operation does not apply: doc is missing key");
    }
    *target = std::move(value);
    return {};
  }
  if (op == "test") {
    TRY(const json::value value, value_of(operation));
    const json::value* target = resolve(root, path, path.size());
    const bool equal = target == nullptr ? value.is_null() : *target == value;
    return equal ? Result<void>() : does_not_fit("testing value failed");
  }
  if (op == "move" || op == "copy") {
    TRY(const Path from, pointer_of(operation, "from"));
    if (op == "move") {
      TRY(json::value value, take(root, from, op));
      return add(root, path, std::move(value));
    }
    const json::value* source = resolve(root, from, from.size());
    if (source == nullptr) {
      return does_not_fit("copy operation does not apply: doc is missing from path");
    }
    copied += codec::write_json(*source).size();
    if (copied > kMaxCopied) {
      return kube::request_too_large("the JSON patch copies more than 3 MiB");
    }
    return add(root, path, *source);
  }
  return kube::bad_request("JSON patch: unknown operation " + kube::quote(op));
}

}  // namespace

Result<json::value> apply_json_patch(json::value document, const json::value& patch) {
  if (!patch.is_array()) {
    return kube::bad_request(
        "error decoding patch: json: cannot unmarshal object into Go value of type "
        "[]handlers.jsonPatchOp");
  }
  const json::array& operations = patch.get_array();
  if (operations.size() > kMaxOperations) {
    return kube::request_too_large("The allowed maximum operations in a JSON patch is " +
                                   std::to_string(kMaxOperations) + ", got " +
                                   std::to_string(operations.size()));
  }
  std::size_t copied = 0;
  for (const json::value& operation : operations) {
    if (!operation.is_object()) {
      return kube::bad_request("a JSON patch must be a list of operations");
    }
    TRY_VOID(apply_one(document, operation.get_object(), copied));
  }
  return document;
}

void apply_merge_patch(json::value& document, const json::value& patch) {
  if (!patch.is_object()) {
    document = patch;
    return;
  }
  if (!document.is_object()) {
    document = json::object();
  }
  json::object& target = document.get_object();
  for (const auto& [name, value] : patch.get_object()) {
    if (value.is_null()) {
      target.erase(name);
    } else {
      apply_merge_patch(target[name], value);
    }
  }
}

}  // namespace roadstead::objects
