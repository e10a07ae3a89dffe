// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/utf8.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

namespace roadstead::codec {
namespace {

constexpr std::size_t kLongestSimpleKey = 128;

// What libyaml takes unescaped, less what is invisible or breaks lines.
bool is_plain_text(std::uint32_t c) {
  return c != utf8::kInvalid && !utf8::is_unsafe_to_print(c) && c != 0xFEFF && c != 0xFFFE &&
         c != 0xFFFF;
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  // `indent` is that of the line the value is on. Block collections start on a line of their own,
  // unless they follow "- " (`inside_item`).
  void value(const json::value& v, std::size_t indent, bool inside_item) {
    if (const auto* object = v.if_object(); object != nullptr && !object->empty()) {
      mapping(*object, indent, inside_item);
    } else if (const auto* array = v.if_array(); array != nullptr && !array->empty()) {
      sequence(*array, indent, inside_item);
    } else if (const auto* text = v.if_string()) {
      string(*text, indent);
      out_.push_back('\n');
    } else {
      out_.append(write_json(v)).push_back('\n');
    }
  }

 private:
  void mapping(const json::object& object, std::size_t indent, bool inside_item) {
    bool first = inside_item;
    for (const auto& member : object) {
      start_line(indent, first);
      const bool simple = member.key().size() <= kLongestSimpleKey;
      if (!simple) {
        out_.append("? ");
      }
      scalar(member.key());
      if (!simple) {
        out_.push_back('\n');
        start_line(indent, first);
      }
      out_.push_back(':');
      member_value(member.value(), indent);
    }
  }

  void member_value(const json::value& v, std::size_t indent) {
    if (v.is_object() && !v.get_object().empty()) {
      out_.push_back('\n');
      value(v, indent + 2, false);
    } else if (v.is_array() && !v.get_array().empty()) {
      out_.push_back('\n');
      value(v, indent, false);  // items stand below their key, as kubectl writes them
    } else {
      out_.push_back(' ');
      value(v, indent + 2, false);
    }
  }

  void sequence(const json::array& array, std::size_t indent, bool inside_item) {
    bool first = inside_item;
    for (const json::value& item : array) {
      start_line(indent, first);
      out_.append("- ");
      value(item, indent + 2, true);
    }
  }

  void start_line(std::size_t indent, bool& first) {
    if (!first) {
      out_.append(indent, ' ');
    }
    first = false;
  }

  void string(std::string_view text, std::size_t indent) {
    if (text.find('\n') != std::string_view::npos && fits_literal(text)) {
      literal(text, std::max<std::size_t>(indent, 2));
    } else {
      scalar(text);
    }
  }

  static bool fits_literal(std::string_view text) {
    if (text[0] == ' ' || text[0] == '\n' || text[0] == '\t') {
      return false;  // would need an indentation indicator
    }
    while (!text.empty()) {
      const utf8::CodePoint c = utf8::decode(text);
      if (!is_plain_text(c.value) && c.value != '\n' && c.value != '\t') {
        return false;
      }
      text.remove_prefix(c.length);
    }
    return true;
  }

  void literal(std::string_view text, std::size_t indent) {
    out_.push_back('|');
    if (!text.ends_with('\n')) {
      out_.push_back('-');
    } else if (text.ends_with("\n\n")) {
      out_.push_back('+');
    }
    if (text.ends_with('\n')) {
      text.remove_suffix(1);
    }
    for (;;) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      out_.push_back('\n');
      if (end > 0) {
        out_.append(indent, ' ').append(text.substr(0, end));
      }
      if (end == text.size()) {
        return;
      }
      text.remove_prefix(end + 1);
    }
  }

  void scalar(std::string_view text) {
    if (yaml_plain_is_string(text)) {
      out_.append(text);
    } else {
      quoted(text);
    }
  }

  void quoted(std::string_view text) {
    out_.push_back('"');
    while (!text.empty()) {
      const utf8::CodePoint c = utf8::decode(text);
      if (c.value == '"' || c.value == '\\') {
        out_.push_back('\\');
        out_.push_back(text[0]);
      } else if (c.value == '\n') {
        out_.append("\\n");
      } else if (c.value == '\t') {
        out_.append("\\t");
      } else if (c.value == '\r') {
        out_.append("\\r");
      } else if (c.value == utf8::kInvalid) {
        out_.append("\xEF\xBF\xBD");
      } else if (!is_plain_text(c.value)) {
        escape(c.value);
      } else {
        out_.append(text.substr(0, c.length));
      }
      text.remove_prefix(c.length);
    }
    out_.push_back('"');
  }

  void escape(std::uint32_t c) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    out_.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      out_.push_back(kHex[(c >> shift) & 15]);
    }
  }

  std::string out_;
};

}  // namespace

std::string write_yaml(const json::value& value) {
  Writer writer;
  writer.value(value, 0, false);
  return writer.take();
}

}  // namespace roadstead::codec
