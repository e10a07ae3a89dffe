// SPDX-License-Identifier: Apache-2.0
#include "objects/patch.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "kube/status.h"
#include "objects/field_set.h"

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxOperations = 10'000;
constexpr std::size_t kMaxCopied = 3u << 20;  // a patch must not grow a document without bound
constexpr std::size_t kMaxNesting = 100;      // as for what is read

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

// Like the API server, what stands before the first slash does not count.
std::optional<Path> parse_pointer(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  Path path;
  for (const std::string_view part : ascii::split(text.substr(slash + 1), '/')) {
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

// Below zero counts from the end, as the API server does it.
std::optional<std::size_t> parse_index(std::string_view text, std::size_t limit) {
  std::int64_t index = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  const auto size = static_cast<std::int64_t>(limit);
  index = index < 0 ? index + size : index;
  if (index < 0 || index >= size) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(index);
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

json::value value_of(const json::object& operation) {
  const json::value* value = operation.if_contains("value");
  return value == nullptr ? json::value(nullptr) : *value;
}

std::string_view text_of(const json::object& operation, std::string_view name) {
  const json::value* text = operation.if_contains(name);
  return text != nullptr && text->is_string() ? std::string_view(text->get_string()) : "";
}

Result<void> replace(json::value& root, const json::object& operation) {
  json::value value = value_of(operation);
  if (text_of(operation, "path").empty()) {
    root = std::move(value);
    return {};
  }
  const auto path = parse_pointer(text_of(operation, "path"));
  json::value* parent = path ? resolve(root, *path, path->size() - 1) : nullptr;
  if (parent != nullptr && parent->is_object()) {
    parent->get_object()[path->back()] = std::move(value);  // whether it was there or not
    return {};
  }
  json::value* target = parent == nullptr ? nullptr : child(*parent, path->back());
  if (target == nullptr) {
    return does_not_fit("replace operation does not apply: doc is missing key");
  }
  *target = std::move(value);
  return {};
}

Result<void> test(json::value& root, const json::object& operation) {
  const json::value value = value_of(operation);
  const std::string_view text = text_of(operation, "path");
  const auto path = text.empty() ? Path() : parse_pointer(text);
  json::value* parent = !path           ? nullptr
                        : path->empty() ? &root
                                        : resolve(root, *path, path->size() - 1);
  if (parent == nullptr) {
    return does_not_fit("test operation does not apply: doc is missing path");
  }
  const json::value* target = path->empty() ? parent : child(*parent, path->back());
  const bool equal = target == nullptr ? value.is_null() : same_value(*target, value);
  return equal ? Result<void>() : does_not_fit("testing value failed");
}

Result<void> move(json::value& root, const json::object& operation, const Path& path) {
  const auto from = parse_pointer(text_of(operation, "from"));
  if (!from) {
    return does_not_fit("move operation does not apply: doc is missing from path");
  }
  TRY(json::value value, take(root, *from, "move"));
  return add(root, path, std::move(value));
}

Result<void> copy(json::value& root, const json::object& operation, const Path& path,
                  std::size_t& copied) {
  const auto from = parse_pointer(text_of(operation, "from"));
  json::value* parent = from ? resolve(root, *from, from->size() - 1) : nullptr;
  if (parent == nullptr) {
    return does_not_fit("copy operation does not apply: doc is missing from path");
  }
  const json::value* source = child(*parent, from->back());
  if (source == nullptr && !parent->is_object()) {
    return does_not_fit("copy operation does not apply: doc is missing from key");
  }
  json::value value = source == nullptr ? json::value(nullptr) : *source;
  copied += codec::write_json(value).size();
  if (copied > kMaxCopied) {
    return kube::request_too_large("the JSON patch copies more than 3 MiB");
  }
  return add(root, path, std::move(value));
}

Result<void> apply_one(json::value& root, const json::object& operation, std::size_t& copied) {
  const std::string_view op = text_of(operation, "op");
  if (op == "replace") {
    return replace(root, operation);
  }
  if (op == "test") {
    return test(root, operation);
  }
  const auto path = parse_pointer(text_of(operation, "path"));
  if (!path) {
    return does_not_fit("the operation has no path");
  }
  if (op == "add") {
    return add(root, *path, value_of(operation));
  }
  if (op == "remove") {
    TRY_VOID(take(root, *path, "remove"));
    return {};
  }
  if (op == "move") {
    return move(root, operation, *path);
  }
  if (op == "copy") {
    return copy(root, operation, *path, copied);
  }
  return does_not_fit("unknown operation");
}

// How deep a value is nested; counted as far as one more than what is allowed.
std::size_t nesting_of(const json::value& value, std::size_t most = kMaxNesting) {
  std::size_t deepest = 0;
  const auto look = [&](const json::value& child) {
    if (deepest < most) {
      deepest = std::max(deepest, nesting_of(child, most - 1));
    }
  };
  if (const json::array* array = value.if_array()) {
    std::for_each(array->begin(), array->end(), look);
  } else if (const json::object* object = value.if_object()) {
    for (const auto& [name, child] : *object) {
      look(child);
    }
  } else {
    return 0;
  }
  return deepest + 1;
}

// How deep the document can be at most after an operation, when it was `before` deep.
std::size_t nesting_after(std::size_t before, const json::object& operation) {
  const std::string_view op = text_of(operation, "op");
  const std::string_view path = text_of(operation, "path");
  const auto steps = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  const json::value* value = operation.if_contains("value");
  const bool brings = op == "add" || op == "replace";
  if (brings && value != nullptr) {
    return std::max(before, steps + nesting_of(*value));
  }
  return op == "move" || op == "copy" ? steps + before : before;
}

// Go's decoder refuses members of other types before anything is applied.
Result<void> check_operations(const json::array& operations) {
  for (const json::value& one : operations) {
    const json::object* operation = one.if_object();
    if (operation == nullptr) {
      return kube::bad_request("error decoding patch: json: an operation must be an object");
    }
    for (const char* name : {"op", "path", "from"}) {
      const json::value* value = operation->if_contains(name);
      if (value != nullptr && !value->is_string() && !value->is_null()) {
        return kube::bad_request("error decoding patch: json: " + std::string(name) +
                                 " must be a string");
      }
    }
  }
  return {};
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
  TRY_VOID(check_operations(operations));
  std::size_t copied = 0;
  std::size_t nesting = nesting_of(document);
  for (const json::value& operation : operations) {
    nesting = nesting_after(nesting, operation.get_object());
    TRY_VOID(apply_one(document, operation.get_object(), copied));
    if (nesting > kMaxNesting) {
      nesting = nesting_of(document);
    }
    if (nesting > kMaxNesting) {
      return kube::bad_request("the patched object is nested deeper than " +
                               std::to_string(kMaxNesting) + " levels");
    }
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
