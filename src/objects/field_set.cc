// SPDX-License-Identifier: Apache-2.0
#include "objects/field_set.h"

#include <charconv>

#include "kube/field_error.h"
#include "objects/object.h"

namespace roadstead::objects {
namespace {

constexpr int kMaxDepth = 128;

int sign(std::weak_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

int rank(const json::value& v) {
  switch (v.kind()) {
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return 0;
    case json::kind::string:
      return 1;
    case json::kind::bool_:
      return 2;
    case json::kind::array:
      return 3;
    case json::kind::object:
      return 4;
    case json::kind::null:
      break;
  }
  return 5;
}

int compare_numbers(const json::value& a, const json::value& b) {
  if (a.is_int64() && b.is_int64()) {
    return sign(std::weak_order(a.get_int64(), b.get_int64()));
  }
  if (a.is_uint64() && b.is_uint64()) {
    return sign(std::weak_order(a.get_uint64(), b.get_uint64()));
  }
  return sign(std::weak_order(a.to_number<double>(), b.to_number<double>()));
}

int compare_objects(const json::object& a, const json::object& b) {
  std::map<std::string_view, const json::value*> left;
  std::map<std::string_view, const json::value*> right;
  for (const auto& field : a) {
    left.emplace(field.key(), &field.value());
  }
  for (const auto& field : b) {
    right.emplace(field.key(), &field.value());
  }
  auto other = right.begin();
  for (const auto& [name, value] : left) {
    if (other == right.end()) {
      return 1;
    }
    if (const int order = name.compare(other->first); order != 0) {
      return order < 0 ? -1 : 1;
    }
    if (const int order = compare_values(*value, *other->second); order != 0) {
      return order;
    }
    ++other;
  }
  return other == right.end() ? 0 : -1;
}

std::string print(const json::value& value) {
  return value.is_string() ? kube::quote(value.get_string()) : codec::write_json(value);
}

Result<PathElement> parse_element(std::string_view text, bool& known) {
  known = true;
  if (text.size() < 2 || text[1] != ':') {
    return Error(ErrorKind::InvalidArgument, "missing colon: " + std::string(text));
  }
  const std::string_view rest = text.substr(2);
  switch (text[0]) {
    case 'f':
      return PathElement::field(rest);
    case 'v': {
      TRY(json::value value, codec::parse_json(rest));
      return PathElement::item(std::move(value));
    }
    case 'k': {
      TRY(json::value value, codec::parse_json(rest));
      if (!value.is_object()) {
        return Error(ErrorKind::InvalidArgument, "a key must be an object");
      }
      return PathElement::key(std::move(value.get_object()));
    }
    case 'i': {
      std::int64_t index = 0;
      const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), index);
      if (rest.empty() || read.ec != std::errc() || read.ptr != rest.data() + rest.size()) {
        return Error(ErrorKind::InvalidArgument, "an index must be a number");
      }
      return PathElement{PathElement::Kind::Index, {}, json::value(index)};
    }
    default:
      known = false;
      return PathElement();
  }
}

Result<FieldSet> parse_set(const json::value& fields, int depth) {
  if (!fields.is_object() || depth > kMaxDepth) {
    return Error(ErrorKind::InvalidArgument, "fields must be objects in objects");
  }
  FieldSet out;
  for (const auto& [name, value] : fields.get_object()) {
    if (std::string_view(name) == ".") {
      continue;  // read by the level above
    }
    bool known = false;
    TRY(const PathElement element, parse_element(name, known));
    if (!known) {
      continue;
    }
    TRY(FieldSet below, parse_set(value, depth + 1));
    const bool self = value.get_object().contains(".");
    if (self || below.empty()) {
      out.insert_member(element);
    }
    if (!below.empty()) {
      out.descend(element) = std::move(below);
    }
  }
  return out;
}

}  // namespace

int compare_values(const json::value& a, const json::value& b) {
  const int left = rank(a);
  const int right = rank(b);
  if (left != right) {
    return left < right ? -1 : 1;
  }
  switch (left) {
    case 0:
      return compare_numbers(a, b);
    case 1: {
      const int order = std::string_view(a.get_string()).compare(b.get_string());
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case 2:
      return static_cast<int>(a.get_bool()) - static_cast<int>(b.get_bool());
    case 3: {
      const json::array& x = a.get_array();
      const json::array& y = b.get_array();
      for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
        if (const int order = compare_values(x[i], y[i]); order != 0) {
          return order;
        }
      }
      return sign(std::weak_order(x.size(), y.size()));
    }
    case 4:
      return compare_objects(a.get_object(), b.get_object());
    default:
      return 0;
  }
}

PathElement PathElement::key(json::object fields) {
  json::value value(std::move(fields));
  sort_names(value);
  return {Kind::Key, {}, std::move(value)};
}

std::weak_ordering PathElement::operator<=>(const PathElement& other) const {
  if (kind != other.kind) {
    return kind <=> other.kind;
  }
  const int order =
      kind == Kind::Field ? name.compare(other.name) : compare_values(value, other.value);
  return order <=> 0;
}

std::string PathElement::serialized() const {
  switch (kind) {
    case Kind::Field:
      return "f:" + name;
    case Kind::Key:
      return "k:" + codec::write_json(value);
    case Kind::Value:
      return "v:" + codec::write_json(value);
    case Kind::Index:
      break;
  }
  return "i:" + codec::write_json(value);
}

std::string PathElement::to_string() const {
  switch (kind) {
    case Kind::Field:
      return "." + name;
    case Kind::Key: {
      std::string out;
      for (const auto& [field, part] : value.get_object()) {
        out += (out.empty() ? "" : ",") + std::string(field) + "=" + print(part);
      }
      return "[" + out + "]";
    }
    case Kind::Value:
      return "[=" + print(value) + "]";
    case Kind::Index:
      break;
  }
  return "[" + codec::write_json(value) + "]";
}

std::string to_string(const FieldPath& path) {
  std::string out;
  for (const PathElement& element : path) {
    out += element.to_string();
  }
  return out;
}

Result<FieldSet> FieldSet::from_json(const json::value& fields) { return parse_set(fields, 0); }

json::object FieldSet::to_json() const {
  json::object out;
  for (const auto& [element, node] : nodes_) {
    json::object below = node.below.to_json();
    if (!node.member && below.empty()) {
      continue;
    }
    json::object whole;
    if (node.member && !below.empty()) {
      whole["."] = json::object();
    }
    for (auto& [name, value] : below) {
      whole[name] = std::move(value);
    }
    out[element.serialized()] = std::move(whole);
  }
  return out;
}

bool FieldSet::empty() const {
  for (const auto& [element, node] : nodes_) {
    if (node.member || !node.below.empty()) {
      return false;
    }
  }
  return true;
}

bool FieldSet::has_member(const PathElement& element) const {
  const auto found = nodes_.find(element);
  return found != nodes_.end() && found->second.member;
}

const FieldSet* FieldSet::below(const PathElement& element) const {
  const auto found = nodes_.find(element);
  return found == nodes_.end() || found->second.below.empty() ? nullptr : &found->second.below;
}

bool FieldSet::has(const FieldPath& path) const {
  const FieldSet* at = this;
  for (std::size_t i = 0; i + 1 < path.size() && at != nullptr; ++i) {
    at = at->below(path[i]);
  }
  return at != nullptr && !path.empty() && at->has_member(path.back());
}

void FieldSet::insert_member(const PathElement& element) { nodes_[element].member = true; }

FieldSet& FieldSet::descend(const PathElement& element) { return nodes_[element].below; }

void FieldSet::insert(const FieldPath& path) {
  if (path.empty()) {
    return;  // the whole object: nobody owns it
  }
  FieldSet* at = this;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = &at->descend(path[i]);
  }
  at->insert_member(path.back());
}

void FieldSet::visit_below(FieldPath& prefix,
                           const std::function<void(const FieldPath&)>& visit) const {
  for (const auto& [element, node] : nodes_) {
    if (node.member) {
      prefix.push_back(element);
      visit(prefix);
      prefix.pop_back();
    }
  }
  for (const auto& [element, node] : nodes_) {
    prefix.push_back(element);
    node.below.visit_below(prefix, visit);
    prefix.pop_back();
  }
}

void FieldSet::for_each(const std::function<void(const FieldPath&)>& visit) const {
  FieldPath prefix;
  visit_below(prefix, visit);
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet out = *this;
  for (const auto& [element, node] : other.nodes_) {
    Node& mine = out.nodes_[element];
    mine.member = mine.member || node.member;
    mine.below = mine.below.united(node.below);
  }
  return out;
}

FieldSet FieldSet::common(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [element, node] : nodes_) {
    const auto found = other.nodes_.find(element);
    if (found == other.nodes_.end()) {
      continue;
    }
    Node both{node.member && found->second.member, node.below.common(found->second.below)};
    if (both.member || !both.below.empty()) {
      out.nodes_.emplace(element, std::move(both));
    }
  }
  return out;
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [element, node] : nodes_) {
    const auto found = other.nodes_.find(element);
    Node left = node;
    if (found != other.nodes_.end()) {
      left.member = node.member && !found->second.member;
      left.below = node.below.without(found->second.below);
    }
    if (left.member || !left.below.empty()) {
      out.nodes_.emplace(element, std::move(left));
    }
  }
  return out;
}

FieldSet FieldSet::without_trees(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [element, node] : nodes_) {
    const auto found = other.nodes_.find(element);
    if (found == other.nodes_.end()) {
      out.nodes_.emplace(element, node);
      continue;
    }
    if (found->second.member) {
      continue;
    }
    Node left{node.member, node.below.without_trees(found->second.below)};
    if (left.member || !left.below.empty()) {
      out.nodes_.emplace(element, std::move(left));
    }
  }
  return out;
}

}  // namespace roadstead::objects
