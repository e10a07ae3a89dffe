// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/utf8.h"
#include "codec/json.h"

namespace roadstead::codec {
namespace {

// Own writer: boost::json::serialize writes 0.5 as 5E-1, which people and diffs do not like.
class Writer {
 public:
  explicit Writer(bool pretty, bool sorted = false) : pretty_(pretty), sorted_(sorted) {}

  void value(const json::value& v) {
    switch (v.kind()) {
      case json::kind::null:
        out_.append("null");
        break;
      case json::kind::bool_:
        out_.append(v.get_bool() ? "true" : "false");
        break;
      case json::kind::int64:
        out_.append(std::to_string(v.get_int64()));
        break;
      case json::kind::uint64:
        out_.append(std::to_string(v.get_uint64()));
        break;
      case json::kind::double_:
        number(v.get_double());
        break;
      case json::kind::string:
        string(v.get_string());
        break;
      case json::kind::array:
        array(v.get_array());
        break;
      case json::kind::object:
        object(v.get_object());
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void array(const json::array& a) {
    bool first = true;
    open('[');
    for (const json::value& v : a) {
      separate(first);
      value(v);
    }
    close(']', a.empty());
  }

  void object(const json::object& o) {
    const auto before = [](const auto& a, const auto& b) { return a.key() < b.key(); };
    open('{');
    bool first = true;
    if (!sorted_ || std::is_sorted(o.begin(), o.end(), before)) {
      for (const auto& one : o) {
        member(first, one);
      }
    } else {
      std::vector<const json::key_value_pair*> members;
      members.reserve(o.size());
      for (const auto& one : o) {
        members.push_back(&one);
      }
      std::sort(members.begin(), members.end(),
                [&](const auto* a, const auto* b) { return before(*a, *b); });
      for (const auto* one : members) {
        member(first, *one);
      }
    }
    close('}', o.empty());
  }

  void member(bool& first, const json::key_value_pair& one) {
    separate(first);
    string(one.key());
    out_.append(pretty_ ? ": " : ":");
    value(one.value());
  }

  // Shortest text that reads back as the same double, and as a double.
  void number(double d) {
    if (!std::isfinite(d)) {
      out_.append("null");
      return;
    }
    char text[40];
    const auto end = std::to_chars(text, text + sizeof(text), d).ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out_.append(digits);
    if (digits.find_first_of(".e") == std::string_view::npos) {
      out_.append(".0");
    }
  }

  void string(std::string_view s) {
    out_.push_back('"');
    while (!s.empty()) {
      const std::size_t plain = plain_prefix(s);
      out_.append(s.substr(0, plain));
      s.remove_prefix(plain);
      if (!s.empty()) {
        special(s);
      }
    }
    out_.push_back('"');
  }

  static std::size_t plain_prefix(std::string_view s) {
    std::size_t n = 0;
    while (n < s.size() && s[n] >= ' ' && s[n] != '"' && s[n] != '\\' && s[n] != '\x7F') {
      ++n;  // bytes from 0x80 are negative
    }
    return n;
  }

  void special(std::string_view& s) {
    const utf8::CodePoint c = utf8::decode(s);
    if (c.value == '"' || c.value == '\\') {
      out_.push_back('\\');
      out_.push_back(s[0]);
    } else if (c.value == '\n') {
      out_.append("\\n");
    } else if (c.value == '\r') {
      out_.append("\\r");
    } else if (c.value == '\t') {
      out_.append("\\t");
    } else if (c.value == utf8::kInvalid) {
      out_.append("\xEF\xBF\xBD");  // U+FFFD: the output is UTF-8 whatever the value holds
    } else if (c.value < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out_.append("\\u00");
      out_.push_back(kHex[c.value >> 4]);
      out_.push_back(kHex[c.value & 15]);
    } else {
      out_.append(s.substr(0, c.length));
    }
    s.remove_prefix(c.length);
  }

  void separate(bool& first) {
    if (!first) {
      out_.push_back(',');
    }
    first = false;
    line();
  }
  void open(char c) {
    out_.push_back(c);
    ++depth_;
  }
  void close(char c, bool empty) {
    --depth_;
    if (!empty) {
      line();
    }
    out_.push_back(c);
  }
  void line() {
    if (pretty_) {
      out_.push_back('\n');
      out_.append(depth_ * 2, ' ');
    }
  }

  const bool pretty_;
  const bool sorted_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string write_json(const json::value& value) {
  Writer writer(false);
  writer.value(value);
  return writer.take();
}

std::string write_json_sorted(const json::value& value) {
  Writer writer(false, true);
  writer.value(value);
  return writer.take();
}

std::string write_json_pretty(const json::value& value) {
  Writer writer(true);
  writer.value(value);
  return writer.take();
}

}  // namespace roadstead::codec
