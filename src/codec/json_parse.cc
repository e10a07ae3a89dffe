// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <optional>
#include <vector>

#include "codec/json.h"

namespace roadstead::codec {
namespace {

using boost::system::error_code;

// Builds the value. boost::json::parser would keep the last of duplicate names without a word, and
// rounds some doubles wrongly; both are put right here.
class Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(json::object()); }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(json::array()); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(std::string_view s, std::size_t, error_code&) { return part(s); }
  bool on_key(std::string_view s, std::size_t, error_code& ec) {
    part(s);
    if (open_.back().value.get_object().contains(text_)) {
      duplicate_ = std::move(text_);
      ec = json::error::syntax;
      return false;
    }
    open_.back().key.swap(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(std::string_view s, std::size_t, error_code&) { return part(s); }
  bool on_string(std::string_view s, std::size_t, error_code&) {
    if (text_.empty()) {
      return put(json::string(s));
    }
    part(s);
    const bool ok = put(json::string(text_));
    text_.clear();
    return ok;
  }
  bool on_number_part(std::string_view s, error_code&) { return part(s); }
  bool on_int64(std::int64_t v, std::string_view, error_code&) { return number(v); }
  bool on_uint64(std::uint64_t v, std::string_view, error_code&) { return number(v); }
  bool on_double(double v, std::string_view s, error_code& ec) {
    part(s);
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), v);
    if (read.ec == std::errc::result_out_of_range) {
      ec = json::error::exponent_overflow;
      return false;
    }
    return number(v);
  }
  bool on_bool(bool v, error_code&) { return put(v); }
  bool on_null(error_code&) { return put(nullptr); }
  bool on_comment_part(std::string_view, error_code&) { return true; }
  bool on_comment(std::string_view, error_code&) { return true; }

  json::value take() { return std::move(root_); }
  const std::optional<std::string>& duplicate() const { return duplicate_; }

 private:
  struct Open {
    json::value value;
    std::string key;  // of the member being read
  };

  bool part(std::string_view s) {
    text_.append(s);
    return true;
  }
  template <class T>
  bool number(T v) {
    text_.clear();
    return put(v);
  }
  bool open(json::value v) {
    open_.push_back({std::move(v), {}});
    return true;
  }
  bool close() {
    json::value done = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(done));
  }
  bool put(json::value v) {
    if (open_.empty()) {
      root_ = std::move(v);
    } else if (auto* object = open_.back().value.if_object()) {
      object->emplace(open_.back().key, std::move(v));
    } else {
      open_.back().value.get_array().push_back(std::move(v));
    }
    return true;
  }

  json::value root_;
  std::vector<Open> open_;
  std::string text_;  // what came of a string, key or number so far
  std::optional<std::string> duplicate_;
};

Error error_at(std::string_view text, std::size_t offset, std::string_view what) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return Error(ErrorKind::InvalidArgument, "JSON line " + std::to_string(line) + ", column " +
                                               std::to_string(offset - start + 1) + ": " +
                                               std::string(what));
}

std::string describe(const error_code& ec, const Handler& handler, const JsonLimits& limits) {
  if (handler.duplicate().has_value()) {
    return "the name \"" + handler.duplicate()->substr(0, 100) + "\" stands twice in one object";
  }
  if (ec == json::error::too_deep) {
    return "nested deeper than " + std::to_string(limits.max_depth) + " levels";
  }
  if (ec == json::error::incomplete) {
    return "the text ends too early";
  }
  return ec.message();
}

}  // namespace

Result<json::value> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return Error(ErrorKind::PayloadTooLarge, "JSON text of " + std::to_string(text.size()) +
                                                 " bytes; at most " +
                                                 std::to_string(limits.max_bytes) + " are read");
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<Handler> parser(options);
  error_code ec;
  const std::size_t end = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    return error_at(text, std::min(end, text.size()), describe(ec, parser.handler(), limits));
  }
  const std::size_t extra = text.find_first_not_of(" \t\r\n", end);
  if (extra != std::string_view::npos) {
    return error_at(text, extra, "text after the end of the value");
  }
  return parser.handler().take();
}

}  // namespace roadstead::codec
