// SPDX-License-Identifier: Apache-2.0
// Header fields in order. Names are kept in lower case (RFC 9113 section 8.2.1); values are bytes
// without CR, LF, NUL. A plain value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roadstead::http {

struct Header {
  std::string name;
  std::string value;
  bool sensitive = false;  // never indexed by HPACK
  // Name and value are known to be what HTTP/2 can carry: they came that way, or whoever made the
  // field looked. Otherwise they are looked at when they are sent.
  bool checked = false;

  bool operator==(const Header& other) const {
    return name == other.name && value == other.value && sensitive == other.sensitive;
  }
};

class Headers {
 public:
  // `name` must be lower case.
  void add(std::string name, std::string value, bool sensitive = false) {
    fields_.push_back({std::move(name), std::move(value), sensitive});
  }
  void add(Header field) { fields_.push_back(std::move(field)); }
  // For what came in over HTTP/2, which has looked at it.
  void add_checked(std::string_view name, std::string_view value, bool sensitive) {
    Header& field = fields_.emplace_back();
    field.name = name;
    field.value = value;
    field.sensitive = sensitive;
    field.checked = true;
  }
  void set(std::string_view name, std::string value);  // replaces all of that name
  std::size_t remove(std::string_view name);
  template <class Predicate>
  std::size_t remove_if(Predicate predicate) {
    return std::erase_if(fields_, predicate);
  }

  // The first value, nullptr when absent.
  const std::string* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::size_t count(std::string_view name) const;
  // True when a comma-separated list field holds the token (any case), in any of its lines.
  bool has_token(std::string_view name, std::string_view token) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  std::size_t bytes() const;  // as RFC 9113 counts: name + value + 32 each
  void clear() { fields_.clear(); }
  void reserve(std::size_t n) { fields_.reserve(n); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> fields_;
};

// RFC 9110 section 5.1 token; 5.5 field value (visible ASCII, space, tab, obs-text).
bool is_token(std::string_view name);
bool is_field_value(std::string_view value);

}  // namespace roadstead::http
