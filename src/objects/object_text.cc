// SPDX-License-Identifier: Apache-2.0
#include "objects/object_text.h"

#include <algorithm>

namespace roadstead::objects {
namespace {

constexpr std::string_view kName = "resourceVersion";

// Walks over compact JSON. Positions, or npos where the text is not what was expected.
class Scanner {
 public:
  static constexpr std::size_t npos = std::string_view::npos;

  explicit Scanner(std::string_view text) : text_(text) {}

  struct Member {
    std::string_view name;  // as written
    std::size_t begin = 0;  // of its name's quote
    std::size_t value = 0;
    std::size_t end = 0;  // after its value
  };

  // Calls `f(member)` for each member of the object at `at`, until it returns false. False: there
  // is something else.
  template <class F>
  bool members(std::size_t at, F f) const {
    if (!is(at, '{')) {
      return false;
    }
    ++at;
    if (is(at, '}')) {
      return true;
    }
    for (;;) {
      Member member;
      member.begin = at;
      const std::size_t colon = string_end(at);
      if (colon == npos || !is(colon, ':')) {
        return false;
      }
      member.name = text_.substr(at + 1, colon - at - 2);
      member.value = colon + 1;
      member.end = value_end(member.value);
      if (member.end == npos) {
        return false;
      }
      if (!f(member) || is(member.end, '}')) {
        return true;
      }
      if (!is(member.end, ',')) {
        return false;
      }
      at = member.end + 1;
    }
  }

  bool is(std::size_t at, char c) const { return at < text_.size() && text_[at] == c; }

 private:
  // After the string that begins at `at`.
  std::size_t string_end(std::size_t at) const {
    if (!is(at, '"')) {
      return npos;
    }
    for (++at;;) {
      at = text_.find_first_of("\"\\", at);
      if (at == npos) {
        return npos;
      }
      if (text_[at] == '"') {
        return at + 1;
      }
      at += 2;
    }
  }

  std::size_t value_end(std::size_t at) const {
    if (is(at, '"')) {
      return string_end(at);
    }
    if (!is(at, '{') && !is(at, '[')) {
      return text_.find_first_of(",}]", at);
    }
    std::size_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        at = string_end(at);
        if (at == npos) {
          return npos;
        }
        continue;
      }
      ++at;
      if (c == '{' || c == '[') {
        ++depth;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        return at;
      }
    }
    return npos;
  }

  std::string_view text_;
};

std::optional<Scanner::Member> find(const Scanner& scanner, std::size_t object,
                                    std::string_view name) {
  std::optional<Scanner::Member> found;
  const bool read = scanner.members(object, [&](const Scanner::Member& member) {
    if (member.name == name) {
      found = member;
    }
    return !found.has_value();
  });
  return read ? found : std::nullopt;
}

}  // namespace

std::optional<std::string> with_revision(std::string_view text, storage::Revision revision) {
  const Scanner scanner(text);
  const auto metadata = find(scanner, 0, "metadata");
  if (!metadata || !scanner.is(metadata->value, '{')) {
    return std::nullopt;
  }
  std::size_t where = metadata->end - 1;  // before the closing brace
  bool last = true;
  bool there = false;
  bool empty = true;
  const bool read = scanner.members(metadata->value, [&](const Scanner::Member& member) {
    empty = false;
    there = member.name == kName;
    if (member.name < kName) {
      return true;
    }
    where = member.begin;
    last = false;
    return false;
  });
  if (!read || there) {
    return std::nullopt;
  }
  std::string piece = "\"" + std::string(kName) + "\":\"" + std::to_string(revision) + "\"";
  if (!last) {
    piece += ',';
  } else if (!empty) {
    piece.insert(0, 1, ',');
  }
  std::string out;
  out.reserve(text.size() + piece.size());
  out.append(text.substr(0, where)).append(piece).append(text.substr(where));
  return out;
}

std::string without_revision(std::string text) {
  const Scanner scanner(text);
  const auto metadata = find(scanner, 0, "metadata");
  const auto version = metadata ? find(scanner, metadata->value, kName) : std::nullopt;
  if (!version) {
    return text;
  }
  std::size_t begin = version->begin;
  std::size_t end = version->end;
  if (scanner.is(end, ',')) {
    ++end;
  } else if (scanner.is(begin - 1, ',')) {
    --begin;
  }
  text.erase(begin, end - begin);
  return text;
}

}  // namespace roadstead::objects
