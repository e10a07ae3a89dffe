// SPDX-License-Identifier: Apache-2.0
#include <yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/utf8.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

namespace roadstead::codec {
namespace {

std::string_view text_of(const yaml_char_t* s) {
  return s == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(s));
}

Error error_at(const yaml_mark_t& mark, std::string_view what) {
  return Error(ErrorKind::InvalidArgument, "YAML line " + std::to_string(mark.line + 1) +
                                               ", column " + std::to_string(mark.column + 1) +
                                               ": " + std::string(what));
}

class Event {
 public:
  Event() = default;
  Event(Event&& other) noexcept : raw(std::exchange(other.raw, {})) {}
  Event(const Event&) = delete;
  Event& operator=(Event&&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  yaml_event_t raw{};
};

// libyaml's parser, giving one event at a time.
class Source {
 public:
  explicit Source(std::string_view text) {
    CHECK(yaml_parser_initialize(&parser_) == 1, "out of memory");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { yaml_parser_delete(&parser_); }

  Result<Event> next() {
    Event event;
    if (yaml_parser_parse(&parser_, &event.raw) == 1) {
      return event;
    }
    CHECK(parser_.error != YAML_MEMORY_ERROR, "out of memory");
    const std::string problem = parser_.problem != nullptr ? parser_.problem : "malformed";
    if (parser_.error == YAML_READER_ERROR) {
      return Error(ErrorKind::InvalidArgument,
                   "YAML byte " + std::to_string(parser_.problem_offset) + ": " + problem);
    }
    return error_at(parser_.problem_mark, problem);
  }

 private:
  yaml_parser_t parser_{};
};

// A value with what it costs to copy it: an alias pays the whole price again.
struct Node {
  json::value value;
  std::size_t cost = 1;
  std::size_t height = 0;  // levels of collections inside
};

class Reader {
 public:
  Reader(std::string_view text, const YamlLimits& limits) : source_(text), limits_(limits) {}

  Result<std::vector<json::value>> documents() {
    std::vector<json::value> out;
    for (;;) {
      TRY(const Event event, source_.next());
      if (event.raw.type == YAML_STREAM_END_EVENT) {
        return out;
      }
      if (event.raw.type != YAML_DOCUMENT_START_EVENT) {
        continue;  // the starts and ends around documents
      }
      anchors_.clear();
      TRY(const Event first, source_.next());
      TRY(Node root, node(first.raw, 0));
      if (!root.value.is_null()) {
        out.push_back(std::move(root.value));
      }
    }
  }

 private:
  Result<Node> node(const yaml_event_t& event, std::size_t depth) {
    switch (event.type) {
      case YAML_ALIAS_EVENT:
        return alias(event, depth);
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_SEQUENCE_START_EVENT:
      case YAML_MAPPING_START_EVENT:
        return collection(event, depth);
      default:
        return error_at(event.start_mark, "a value is missing");
    }
  }

  Result<void> pay(std::size_t cost, const yaml_mark_t& mark) {
    if (cost > limits_.max_nodes - spent_) {
      return error_at(mark, "the text holds too many values (aliases count with what they repeat)");
    }
    spent_ += cost;
    return {};
  }

  Result<void> check_depth(std::size_t depth, const yaml_mark_t& mark) const {
    if (depth > limits_.max_depth) {
      return error_at(mark, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    return {};
  }

  Result<Node> alias(const yaml_event_t& event, std::size_t depth) {
    const std::string name(text_of(event.data.alias.anchor));
    const auto at = anchors_.find(name);
    if (at == anchors_.end() || !at->second.has_value()) {
      return error_at(event.start_mark, at == anchors_.end()
                                            ? "unknown anchor \"" + name + "\""
                                            : "anchor \"" + name + "\" contains itself");
    }
    const Node& target = *at->second;
    TRY_VOID(check_depth(depth + target.height, event.start_mark));
    TRY_VOID(pay(target.cost, event.start_mark));
    return target;
  }

  Result<void> remember(const yaml_char_t* anchor, const Node& value, const yaml_mark_t& mark) {
    if (anchor != nullptr) {
      TRY_VOID(pay(value.cost, mark));
      anchors_.insert_or_assign(std::string(text_of(anchor)), value);
    }
    return {};
  }

  Result<Node> scalar(const yaml_event_t& event) {
    const auto& s = event.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(s.value), s.length);
    Node out;
    out.cost = 1 + text.size() / 64;
    TRY_VOID(pay(out.cost, event.start_mark));
    auto value = resolve_yaml_scalar(text_of(s.tag), text, s.style == YAML_PLAIN_SCALAR_STYLE);
    if (!value.ok()) {
      return error_at(event.start_mark, value.error().message());
    }
    out.value = *std::move(value);
    TRY_VOID(remember(s.anchor, out, event.start_mark));
    return out;
  }

  Result<Node> collection(const yaml_event_t& event, std::size_t depth) {
    TRY_VOID(check_depth(depth + 1, event.start_mark));
    TRY_VOID(pay(1, event.start_mark));
    const bool sequence = event.type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t* anchor =
        sequence ? event.data.sequence_start.anchor : event.data.mapping_start.anchor;
    if (anchor != nullptr) {
      anchors_.insert_or_assign(std::string(text_of(anchor)), std::nullopt);
    }
    auto read = sequence ? this->sequence(depth + 1) : mapping(depth + 1);
    TRY(Node out, std::move(read));
    TRY_VOID(remember(anchor, out, event.start_mark));
    return out;
  }

  static void add(Node& parent, const Node& child) {
    parent.cost += child.cost;
    parent.height = std::max(parent.height, child.height + 1);
  }

  Result<Node> sequence(std::size_t depth) {
    Node out{json::array(), 1, 1};
    for (;;) {
      TRY(const Event event, source_.next());
      if (event.raw.type == YAML_SEQUENCE_END_EVENT) {
        return out;
      }
      TRY(Node item, node(event.raw, depth));
      add(out, item);
      out.value.get_array().push_back(std::move(item.value));
    }
  }

  static bool is_merge_key(const yaml_event_t& event) {
    if (event.type != YAML_SCALAR_EVENT) {
      return false;
    }
    const auto& s = event.data.scalar;
    return std::string_view(reinterpret_cast<const char*>(s.value), s.length) == "<<" &&
           ((s.style == YAML_PLAIN_SCALAR_STYLE && s.tag == nullptr) ||
            text_of(s.tag) == "tag:yaml.org,2002:merge");
  }

  Result<Node> mapping(std::size_t depth) {
    Node out{json::object(), 1, 1};
    json::object& object = out.value.get_object();
    std::set<std::string, std::less<>>
        merged;  // names that a merge brought: they may be written over
    for (;;) {
      TRY(const Event event, source_.next());
      if (event.raw.type == YAML_MAPPING_END_EVENT) {
        return out;
      }
      const yaml_mark_t mark = event.raw.start_mark;
      if (is_merge_key(event.raw)) {
        TRY(const Event next, source_.next());
        TRY(Node value, node(next.raw, depth));
        add(out, value);
        TRY_VOID(merge(object, std::move(value.value), next.raw, merged));
        continue;
      }
      TRY(const std::string key, this->key(event.raw, depth));
      if (merged.erase(key) == 0 && object.contains(key)) {
        return error_at(mark, "the key \"" + key.substr(0, 100) + "\" stands twice in one mapping");
      }
      TRY(const Event next, source_.next());
      TRY(Node value, node(next.raw, depth));
      add(out, value);
      object.insert_or_assign(key, std::move(value.value));
    }
  }

  Result<std::string> key(const yaml_event_t& event, std::size_t depth) {
    TRY(const Node read, node(event, depth));
    auto text = yaml_key_text(read.value);
    if (!text.ok()) {
      return error_at(event.start_mark, text.error().message());
    }
    return text;
  }

  // `<<`: a mapping, or mappings of which the first wins. What stands before it in the text is
  // written over, as kubectl does.
  static Result<void> merge(json::object& object, json::value from, const yaml_event_t& event,
                            std::set<std::string, std::less<>>& merged) {
    json::array list;
    if (from.is_array() && event.type != YAML_ALIAS_EVENT) {
      list = std::move(from.get_array());
    } else {
      list.push_back(std::move(from));
    }
    for (auto item = list.rbegin(); item != list.rend(); ++item) {
      if (!item->is_object()) {
        return error_at(event.start_mark, "<< needs a mapping or a sequence of mappings");
      }
      for (auto& member : item->get_object()) {
        merged.emplace(member.key());
        object.insert_or_assign(member.key(), std::move(member.value()));
      }
    }
    return {};
  }

  Source source_;
  const YamlLimits& limits_;
  std::map<std::string, std::optional<Node>> anchors_;  // empty while its own value is being read
  std::size_t spent_ = 0;
};

}  // namespace

Result<std::vector<json::value>> parse_yaml(std::string_view text, YamlLimits limits) {
  if (text.size() > limits.max_bytes) {
    return Error(ErrorKind::PayloadTooLarge, "YAML text of " + std::to_string(text.size()) +
                                                 " bytes; at most " +
                                                 std::to_string(limits.max_bytes) + " are read");
  }
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') {
    // JSON is not quite a subset: YAML knows no surrogate pairs in escapes.
    auto value = parse_json(text, {limits.max_bytes, limits.max_depth});
    if (value.ok()) {
      return std::vector<json::value>{*std::move(value)};
    }
  }
  return Reader(text, limits).documents();
}

}  // namespace roadstead::codec
