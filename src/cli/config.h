// SPDX-License-Identifier: Apache-2.0
// The hubs that a person has logged in to, as a file (config.yaml) and one folder for each hub
// beside it: roots.pem and credential.pem. What the file holds beyond this is kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "codec/json.h"

namespace roadstead::cli {

struct HubContext {
  std::string name;
  std::string server;         // what this machine reaches the hub by
  std::string public_server;  // what the hub says of itself; image names begin with it
  std::string login;
  std::string zone;
  std::int64_t lifetime_seconds = 0;  // of certificates; 0: the hub's own choice
};

class Config {
 public:
  // $ROADSTEAD_CONFIG, or roadstead/config.yaml in $XDG_CONFIG_HOME or ~/.config. A missing file is
  // an empty one.
  static Result<Config> load(const Environment& environment);

  // "" stands for the current one. NotFound says how to log in.
  Result<HubContext> context(const std::string& name) const;
  std::vector<std::string> names() const;
  const std::string& current() const { return current_; }

  void put(const HubContext& context);
  void remove(const std::string& name);
  void set_current(std::string name) { current_ = std::move(name); }
  Result<void> save() const;

  const std::string& path() const { return path_; }
  // Where a context's files are, such as ".../hub.example:8443/credential.pem".
  std::string file_of(const std::string& context, std::string_view file) const;

 private:
  std::string path_;
  std::string current_;
  codec::json::object root_;
};

// A context's name when none is given: "hub.example:8443".
std::string default_context_name(std::string_view server);

}  // namespace roadstead::cli
