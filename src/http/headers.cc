// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"

namespace roadstead::http {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) {
    table[static_cast<std::size_t>(c)] = true;
  }
  for (int c = 'a'; c <= 'z'; ++c) {
    table[static_cast<std::size_t>(c)] = true;
    table[static_cast<std::size_t>(c - 'a' + 'A')] = true;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenTable = make_token_table();

// RFC 9110 section 5.6.1: elements between commas; a comma inside a quoted string does not count.
template <class Visit>
bool any_element(std::string_view list, Visit visit) {
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (quoted && i < list.size()) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
      continue;
    }
    if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      if (visit(ascii::trim(list.substr(start, i - start)))) {
        return true;
      }
      start = i + 1;
    }
  }
  return false;
}

}  // namespace

void Headers::set(std::string_view name, std::string value) {
  const auto first = std::find_if(fields_.begin(), fields_.end(),
                                  [name](const Header& h) { return h.name == name; });
  if (first == fields_.end()) {
    add(std::string(name), std::move(value));
    return;
  }
  first->value = std::move(value);
  first->checked = false;
  fields_.erase(
      std::remove_if(first + 1, fields_.end(), [name](const Header& h) { return h.name == name; }),
      fields_.end());
}

std::size_t Headers::remove(std::string_view name) {
  return remove_if([name](const Header& h) { return h.name == name; });
}

const std::string* Headers::find(std::string_view name) const {
  for (const Header& h : fields_) {
    if (h.name == name) {
      return &h.value;
    }
  }
  return nullptr;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [name](const Header& h) { return h.name == name; }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const Header& h : fields_) {
    if (h.name == name && any_element(h.value, [token](std::string_view element) {
          return ascii::equals_ignore_case(element, token);
        })) {
      return true;
    }
  }
  return false;
}

std::size_t Headers::bytes() const {
  std::size_t sum = 0;
  for (const Header& h : fields_) {
    sum += h.name.size() + h.value.size() + 32;
  }
  return sum;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return kTokenTable[static_cast<unsigned char>(c)];
  });
}

bool is_field_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

}  // namespace roadstead::http
