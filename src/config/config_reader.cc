// SPDX-License-Identifier: Apache-2.0
#include "config/config_reader.h"

#include "base/ascii.h"
#include "codec/yaml.h"
#include "config/nearest.h"

namespace roadstead::config {

namespace json = codec::json;

Result<json::value> parse_config(std::string_view yaml) {
  TRY(auto documents, codec::parse_yaml(yaml));
  if (documents.empty()) {
    return json::value(json::object());
  }
  if (documents.size() > 1 || !documents.front().is_object()) {
    return Error(ErrorKind::InvalidArgument, "one YAML document with names and values is expected");
  }
  return std::move(documents.front());
}

ConfigReader::ConfigReader(ConfigSources sources) : sources_(std::move(sources)) {
  if (!sources_.file.is_object() && !sources_.file.is_null()) {
    mistakes_.push_back("the file is not a mapping of names to values");
  }
}

Section ConfigReader::root() {
  const json::object* object = sources_.file.if_object();
  known_.try_emplace("", Known{object, {}});
  return Section(this, "", object);
}

// listen.maxStreams -> ROADSTEAD_LISTEN_MAX_STREAMS
std::string ConfigReader::environment_name(std::string_view prefix, std::string_view path) {
  std::string out(prefix);
  for (const char c : path) {
    if (c == '.') {
      out.push_back('_');
    } else if (c >= 'A' && c <= 'Z') {
      out.push_back('_');
      out.push_back(c);
    } else {
      out.push_back(ascii::is_lower_alpha(c) ? static_cast<char>(c - 32) : c);
    }
  }
  return out;
}

Result<void> ConfigReader::finish() {
  const auto unknown = [&](const std::string& what, std::string_view close) {
    mistakes_.push_back(what + (close.empty() ? "" : "; did you mean " + std::string(close) + "?"));
  };
  for (const auto& [path, known] : known_) {
    if (known.object == nullptr) {
      continue;
    }
    for (const auto& member : *known.object) {
      if (!known.names.contains(std::string_view(member.key()))) {
        const std::string name(std::string_view(member.key()).substr(0, 100));
        unknown((path.empty() ? name : path + "." + name) + ": there is no such setting",
                nearest_name(name, known.names));
      }
    }
  }
  for (const auto& flag : sources_.flags) {
    if (!paths_.contains(flag.first)) {
      unknown(flag.first + " (given as a flag): there is no such setting",
              nearest_name(flag.first, paths_));
    }
  }
  if (mistakes_.empty()) {
    return {};
  }
  std::string message = sources_.file_name + ": " + std::to_string(mistakes_.size()) +
                        (mistakes_.size() == 1 ? " mistake" : " mistakes");
  for (const std::string& mistake : mistakes_) {
    message.append("\n  ").append(mistake);
  }
  return Error(ErrorKind::InvalidArgument, std::move(message));
}

std::vector<std::string> ConfigReader::unused_environment() const {
  std::vector<std::string> out;
  for (const auto& variable : sources_.environment) {
    if (variable.first.starts_with(sources_.environment_prefix) &&
        !used_environment_.contains(variable.first)) {
      out.push_back(variable.first);
    }
  }
  return out;
}

}  // namespace roadstead::config
