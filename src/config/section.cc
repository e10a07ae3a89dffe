// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "base/utf8.h"
#include "config/config_reader.h"
#include "config/nearest.h"

namespace roadstead::config {

namespace json = codec::json;

// What was given for a setting: a value of the file, or text from elsewhere.
struct Section::Found {
  std::string name;
  std::string origin;  // " (from ROADSTEAD_X)"; empty for the file
  const json::value* value = nullptr;
  std::optional<std::string> text;

  // Text from anywhere, but not a number that YAML took out of it.
  std::optional<std::string_view> as_text() const {
    if (text.has_value()) {
      return *text;
    }
    return value->is_string() ? std::optional<std::string_view>(value->get_string()) : std::nullopt;
  }
  std::string shown() const {
    const std::string out =
        text.has_value() ? codec::write_json(json::value(*text)) : codec::write_json(*value);
    return std::string(utf8::cut(out, 100));
  }
};

namespace {

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(out)
                                                                         : std::nullopt;
}

bool printable(std::string_view text) {
  while (!text.empty()) {
    const utf8::CodePoint c = utf8::decode(text);
    if (c.value == utf8::kInvalid || utf8::is_unsafe_to_print(c.value)) {
      return false;
    }
    text.remove_prefix(c.length);
  }
  return true;
}

}  // namespace

std::string Section::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

const json::value* Section::in_file(std::string_view name) const {
  reader_->known_.find(path_)->second.names.emplace(name);
  const json::value* value = object_ != nullptr ? object_->if_contains(name) : nullptr;
  return value != nullptr && !value->is_null() ? value : nullptr;
}

Section Section::section(std::string_view name) const {
  const json::value* value = in_file(name);
  if (value != nullptr && !value->is_object()) {
    mistake(name, "a mapping of names to values is expected");
  }
  const json::object* object = value != nullptr ? value->if_object() : nullptr;
  std::string path = path_of(name);
  reader_->known_.try_emplace(path, ConfigReader::Known{object, {}});
  return Section(reader_, std::move(path), object);
}

void Section::sections(std::string_view name, const std::function<void(Section)>& read) const {
  const json::value* value = in_file(name);
  if (value == nullptr) {
    return;
  }
  if (!value->is_array()) {
    mistake(name, "a list of mappings is expected");
    return;
  }
  std::size_t index = 0;
  for (const json::value& item : value->get_array()) {
    const std::string element = std::string(name) + "[" + std::to_string(index++) + "]";
    if (!item.is_object()) {
      mistake(element, "a mapping of names to values is expected");
      continue;
    }
    std::string path = path_of(element);
    reader_->known_.try_emplace(path, ConfigReader::Known{&item.get_object(), {}});
    read(Section(reader_, std::move(path), &item.get_object()));
  }
}

bool Section::find(std::string_view name, Found& found) const {
  const std::string path = path_of(name);
  const ConfigSources& sources = reader_->sources_;
  reader_->paths_.insert(path);
  found.name = name;
  found.value = in_file(name);
  const auto variable =
      sources.environment.find(ConfigReader::environment_name(sources.environment_prefix, path));
  if (variable != sources.environment.end()) {
    reader_->used_environment_.insert(variable->first);
    found.text = variable->second;
    found.origin = " (from " + variable->first + ")";
  }
  const auto flag = sources.flags.find(path);
  if (flag != sources.flags.end()) {
    found.text = flag->second;
    found.origin = " (given as a flag)";
  }
  return found.value != nullptr || found.text.has_value();
}

bool Section::refuse(const Found& found, std::string_view text) const {
  reader_->mistakes_.push_back(path_of(found.name) + found.origin + ": " + std::string(text));
  return false;
}

void Section::mistake(std::string_view name, std::string_view text) const {
  reader_->mistakes_.push_back(path_of(name) + ": " + std::string(text));
}

void Section::require(std::string_view name, bool given) const {
  if (given) {
    return;
  }
  const std::string path = path_of(name);
  const bool in_list = path.find('[') != std::string::npos;  // no variable can name it
  mistake(name,
          in_list ? "is missing"
                  : "is missing (or set " +
                        ConfigReader::environment_name(reader_->sources_.environment_prefix, path) +
                        ")");
}

bool Section::text(std::string_view name, std::string& out) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  const auto text = found.as_text();
  if (!text.has_value()) {
    return refuse(found, found.shown() + " is not text (put it in quotes)");
  }
  if (text->empty() || !printable(*text)) {
    return refuse(found, text->empty() ? "is empty" : found.shown() + " has control characters");
  }
  out = *text;
  return true;
}

bool Section::texts(std::string_view name, std::vector<std::string>& out) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  std::vector<std::string> read;
  if (found.text.has_value()) {
    for (const std::string_view part : ascii::split(*found.text, ',')) {
      read.emplace_back(ascii::trim(part));
    }
  } else if (found.value->is_array()) {
    for (const json::value& item : found.value->get_array()) {
      if (!item.is_string()) {
        return refuse(found,
                      codec::write_json(item).substr(0, 100) + " is not text (put it in quotes)");
      }
      read.emplace_back(item.get_string());
    }
  } else {
    return refuse(found, "a list of texts is expected");
  }
  for (const std::string& item : read) {
    if (item.empty() || !printable(item)) {
      return refuse(found, "an element is empty or has control characters");
    }
  }
  out = std::move(read);
  return true;
}

bool Section::boolean(std::string_view name, bool& out) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  if (!found.text.has_value() && found.value->is_bool()) {
    out = found.value->get_bool();
    return true;
  }
  const std::string word = found.text.has_value() ? ascii::to_lower(*found.text) : "";
  const bool yes = word == "true" || word == "yes" || word == "on" || word == "1";
  if (!yes && word != "false" && word != "no" && word != "off" && word != "0") {
    return refuse(found, found.shown() + " is neither true nor false");
  }
  out = yes;
  return true;
}

bool Section::integer(std::string_view name, std::int64_t& out, Bounds<std::int64_t> bounds) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  std::optional<std::int64_t> read;
  if (found.text.has_value()) {
    read = integer_in(*found.text);
  } else if (found.value->is_int64()) {
    read = found.value->get_int64();
  }
  if (!read.has_value() || *read < bounds.least || *read > bounds.most) {
    return refuse(found, found.shown() + " is not a whole number from " +
                             std::to_string(bounds.least) + " to " + std::to_string(bounds.most));
  }
  out = *read;
  return true;
}

bool Section::port(std::string_view name, std::uint16_t& out) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  const auto read = found.text.has_value()    ? integer_in(*found.text)
                    : found.value->is_int64() ? std::optional(found.value->get_int64())
                                              : std::nullopt;
  if (!read.has_value() || *read < 1 || *read > 65535) {
    return refuse(found, found.shown() + " is not a port (1-65535)");
  }
  out = static_cast<std::uint16_t>(*read);
  return true;
}

bool Section::duration(std::string_view name, Duration& out, Bounds<Duration> bounds) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  const auto text = found.as_text();
  if (!text.has_value()) {
    return refuse(found, found.shown() + " has no unit; write a duration such as 5s or 1h30m");
  }
  const auto read = parse_duration(*text);
  if (!read.ok()) {
    return refuse(found, read.error().message());
  }
  if (*read < bounds.least || *read > bounds.most) {
    return refuse(found, found.shown() + " is not from " + format_duration(bounds.least) + " to " +
                             format_duration(bounds.most));
  }
  out = *read;
  return true;
}

bool Section::size(std::string_view name, std::uint64_t& out, Bounds<std::uint64_t> bounds) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  const auto text = found.as_text();
  // Plain numbers of bytes come as numbers from YAML.
  const auto read =
      parse_size(text.has_value() ? std::string(*text) : codec::write_json(*found.value));
  if (!read.ok()) {
    return refuse(found, read.error().message());
  }
  if (*read < bounds.least || *read > bounds.most) {
    return refuse(found, found.shown() + " is not from " + format_size(bounds.least) + " to " +
                             format_size(bounds.most));
  }
  out = *read;
  return true;
}

bool Section::choose(std::string_view name, const std::vector<std::string>& names,
                     std::size_t& index) const {
  Found found;
  if (!find(name, found)) {
    return false;
  }
  const auto text = found.as_text();
  const auto at = text.has_value() ? std::find(names.begin(), names.end(), *text) : names.end();
  if (at == names.end()) {
    std::string all;
    for (const std::string& one : names) {
      all.append(all.empty() ? "" : ", ").append(one);
    }
    return refuse(found, found.shown() + " is none of: " + all);
  }
  index = static_cast<std::size_t>(at - names.begin());
  return true;
}

}  // namespace roadstead::config
