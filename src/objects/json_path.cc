// SPDX-License-Identifier: Apache-2.0
#include "objects/json_path.h"

#include <charconv>

#include "base/ascii.h"

namespace roadstead::objects {
namespace {

Error bad(std::string_view source, std::string_view why) {
  return Error(ErrorKind::InvalidArgument,
               "JSONPath '" + std::string(source) + "': " + std::string(why));
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && text.front() == text.back() &&
         (text.front() == '\'' || text.front() == '"');
}

std::string unquote(std::string_view text) { return std::string(text.substr(1, text.size() - 2)); }

// A name up to the next '.' or '['; a backslash takes away a dot's meaning.
std::string read_name(std::string_view source, std::size_t& at) {
  std::string name;
  while (at < source.size() && source[at] != '.' && source[at] != '[') {
    if (source[at] == '\\' && at + 1 < source.size()) {
      ++at;
    }
    name += source[at++];
  }
  return name;
}

// The position of the ']' that ends the bracket opened at `open`.
std::size_t end_of_bracket(std::string_view source, std::size_t open) {
  char quote = 0;
  for (std::size_t i = open + 1; i < source.size(); ++i) {
    const char c = source[i];
    if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : codec::write_json(value);
}

}  // namespace

Result<JsonPath> JsonPath::compile(std::string_view source) {
  JsonPath path;
  std::size_t at = 0;
  while (at < source.size()) {
    if (source[at] == '[') {
      TRY_VOID(path.read_bracket(source, at));
      continue;
    }
    if (source[at] != '.') {
      return bad(source, "must begin with a dot");
    }
    ++at;
    if (at < source.size() && source[at] == '[') {
      continue;
    }
    std::string name = read_name(source, at);
    if (name.empty() || name == "*") {
      return bad(source, "a field's name is expected after the dot");
    }
    path.steps_.push_back({StepKind::Field, std::move(name), {}, 0, true});
  }
  if (path.steps_.empty()) {
    return bad(source, "is empty");
  }
  return path;
}

Result<void> JsonPath::read_bracket(std::string_view source, std::size_t& at) {
  const std::size_t end = end_of_bracket(source, at);
  if (end == std::string_view::npos) {
    return bad(source, "missing ']'");
  }
  const std::string_view inside = ascii::trim(source.substr(at + 1, end - at - 1));
  at = end + 1;
  if (inside == "*") {
    steps_.push_back({StepKind::Every, {}, {}, 0, true});
    return {};
  }
  if (is_quoted(inside)) {
    steps_.push_back({StepKind::Field, unquote(inside), {}, 0, true});
    return {};
  }
  if (inside.starts_with("?(") && inside.ends_with(")")) {
    const std::string_view test = ascii::trim(inside.substr(2, inside.size() - 3));
    const std::size_t equals = test.find("==");
    const std::size_t differs = test.find("!=");
    const std::size_t split = std::min(equals, differs);
    if (!test.starts_with("@.") || split == std::string_view::npos) {
      return bad(source, "only filters of the form ?(@.field==\"value\") are supported");
    }
    Step step{StepKind::Filter, {}, {}, 0, equals < differs};
    for (const std::string_view part : ascii::split(ascii::trim(test.substr(2, split - 2)), '.')) {
      step.path.emplace_back(part);
    }
    const std::string_view value = ascii::trim(test.substr(split + 2));
    step.name = is_quoted(value) ? unquote(value) : std::string(value);
    steps_.push_back(std::move(step));
    return {};
  }
  Step step{StepKind::Index, {}, {}, 0, true};
  const auto read = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (inside.empty() || read.ptr != inside.data() + inside.size()) {
    return bad(source, "unsupported expression in brackets");
  }
  steps_.push_back(std::move(step));
  return {};
}

const json::value* JsonPath::first(const json::value& root) const { return find(root, 0); }

const json::value* JsonPath::find(const json::value& from, std::size_t number) const {
  if (number == steps_.size()) {
    return &from;
  }
  const Step& step = steps_[number];
  if (step.kind == StepKind::Field) {
    const json::object* object = from.if_object();
    const json::value* child = object == nullptr ? nullptr : object->if_contains(step.name);
    return child == nullptr ? nullptr : find(*child, number + 1);
  }
  const json::array* array = from.if_array();
  if (array == nullptr) {
    return nullptr;
  }
  if (step.kind == StepKind::Index) {
    return step.index < array->size() ? find((*array)[step.index], number + 1) : nullptr;
  }
  for (const json::value& item : *array) {
    if (step.kind == StepKind::Filter) {
      const json::value* field = &item;
      for (const std::string& name : step.path) {
        field = field != nullptr && field->is_object() ? field->get_object().if_contains(name)
                                                       : nullptr;
      }
      if (field == nullptr || (text_of(*field) == step.name) != step.equal) {
        continue;
      }
    }
    if (const json::value* found = find(item, number + 1)) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace roadstead::objects
