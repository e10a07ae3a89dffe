// SPDX-License-Identifier: Apache-2.0
#include "cli/config.h"

#include <algorithm>

#include "base/ascii.h"
#include "cli/files.h"
#include "codec/yaml.h"

namespace roadstead::cli {
namespace {

namespace json = codec::json;

constexpr std::string_view kKind = "CLIConfig";
constexpr std::string_view kLogin =
    "roadstead login --server https://HUB:8443 --code CODE --ca-pin sha256:HEX";

Result<std::string> config_path(const Environment& environment) {
  if (const std::string own = environment.variable("ROADSTEAD_CONFIG"); !own.empty()) {
    return own;
  }
  if (const std::string xdg = environment.variable("XDG_CONFIG_HOME"); !xdg.empty()) {
    return xdg + "/roadstead/config.yaml";
  }
  const std::string home = environment.variable("HOME");
  if (home.empty()) {
    return Error(ErrorKind::InvalidArgument,
                 "neither HOME nor ROADSTEAD_CONFIG is set; set ROADSTEAD_CONFIG to a file");
  }
  return home + "/.config/roadstead/config.yaml";
}

json::array& contexts_of(json::object& root) {
  json::value& list = root["contexts"];
  return list.is_array() ? list.get_array() : list.emplace_array();
}

bool is_named(const json::value& entry, std::string_view name) {
  return codec::string_at(entry, {"name"}) == name;
}

}  // namespace

std::string default_context_name(std::string_view server) {
  const std::size_t scheme = server.find("://");
  if (scheme != std::string_view::npos) {
    server.remove_prefix(scheme + 3);
  }
  return ascii::to_lower(server.substr(0, server.find('/')));
}

Result<Config> Config::load(const Environment& environment) {
  Config config;
  TRY(config.path_, config_path(environment));
  const auto text = read_file(config.path_);
  if (!text.ok()) {
    if (text.error().kind() == ErrorKind::NotFound) {
      return config;
    }
    return text.error();
  }
  auto documents = codec::parse_yaml(*text);
  if (!documents.ok()) {
    return Error(ErrorKind::InvalidArgument, config.path_ + ": " + documents.error().message());
  }
  if (documents->empty()) {
    return config;
  }
  json::value& root = documents->front();
  if (documents->size() != 1 || codec::string_at(root, {"kind"}) != kKind) {
    return Error(ErrorKind::InvalidArgument,
                 config.path_ + " is not roadstead's configuration (kind: " + std::string(kKind) +
                     "); move it away, or set ROADSTEAD_CONFIG to another file");
  }
  config.root_ = std::move(root.as_object());
  config.current_ = codec::string_at(config.root_, {"currentContext"});
  return config;
}

std::vector<std::string> Config::names() const {
  std::vector<std::string> out;
  const json::value* list = root_.if_contains("contexts");
  if (list != nullptr && list->is_array()) {
    for (const json::value& entry : list->get_array()) {
      out.emplace_back(codec::string_at(entry, {"name"}));
    }
  }
  return out;
}

Result<HubContext> Config::context(const std::string& name) const {
  const std::string& wanted = name.empty() ? current_ : name;
  if (wanted.empty()) {
    return Error(ErrorKind::Unauthenticated, "not logged in to a hub; " + std::string(kLogin));
  }
  const json::value* list = root_.if_contains("contexts");
  if (list != nullptr && list->is_array()) {
    for (const json::value& entry : list->get_array()) {
      if (!is_named(entry, wanted)) {
        continue;
      }
      HubContext out;
      out.name = wanted;
      out.server = codec::string_at(entry, {"server"});
      out.public_server = codec::string_at(entry, {"publicServer"}, out.server);
      out.login = codec::string_at(entry, {"login"});
      out.zone = codec::string_at(entry, {"zone"});
      out.lifetime_seconds = codec::int_at(entry, {"lifetimeSeconds"});
      if (out.server.empty() || out.login.empty()) {
        return Error(ErrorKind::InvalidArgument,
                     path_ + ": contexts: \"" + wanted + "\" lacks server or login; log in again");
      }
      return out;
    }
  }
  std::string known;
  for (const std::string& one : names()) {
    known += (known.empty() ? "; there are: " : ", ") + one;
  }
  return Error(ErrorKind::NotFound, "there is no context \"" + wanted + "\" in " + path_ + known +
                                        "; log in with: " + std::string(kLogin));
}

void Config::put(const HubContext& context) {
  json::array& list = contexts_of(root_);
  auto found = std::find_if(list.begin(), list.end(),
                            [&](const json::value& e) { return is_named(e, context.name); });
  if (found == list.end()) {
    list.emplace_back(json::object{{"name", context.name}});
    found = std::prev(list.end());
  }
  json::object& entry = found->as_object();
  entry["server"] = context.server;
  entry["publicServer"] = context.public_server;
  entry["login"] = context.login;
  entry["zone"] = context.zone;
  if (context.lifetime_seconds > 0) {
    entry["lifetimeSeconds"] = context.lifetime_seconds;
  } else {
    entry.erase("lifetimeSeconds");
  }
}

void Config::remove(const std::string& name) {
  json::array& list = contexts_of(root_);
  for (auto at = list.begin(); at != list.end();) {
    at = is_named(*at, name) ? list.erase(at) : std::next(at);
  }
  if (current_ == name) {
    current_.clear();
  }
}

Result<void> Config::save() const {
  json::object root{{"apiVersion", "roadstead.io/v1alpha1"}, {"kind", kKind}};
  for (const auto& [key, value] : root_) {
    root[key] = value;
  }
  root["currentContext"] = current_;
  TRY_VOID(make_directories(directory_of(path_)));
  return replace_file(path_, codec::write_yaml(root));
}

std::string Config::file_of(const std::string& context, std::string_view file) const {
  std::string folder = context;
  for (char& c : folder) {
    const bool plain = ascii::is_alpha(c) || ascii::is_digit(c) || c == '.' || c == '-' ||
                       c == '_' || c == ':' || c == '@';
    c = plain ? c : '_';
  }
  if (folder == "." || folder == "..") {
    folder += '_';
  }
  return directory_of(path_) + '/' + folder + '/' + std::string(file);
}

}  // namespace roadstead::cli
