// SPDX-License-Identifier: Apache-2.0
// Reads typed settings from a YAML file, the environment and flags, the later over the earlier, and
// collects every mistake with its path. The structs with the settings belong to the programs:
//
//   ConfigReader reader(sources);
//   Section listen = reader.root().section("listen");
//   listen.port("port", settings.port);             // leaves the default when nothing is given
//   listen.duration("timeout", settings.timeout, {.least = 1s, .most = 1h});
//   TRY_VOID(reader.finish());                      // all mistakes at once, unknown names included
//
// Names are lowerCamelCase. `listen.maxStreams` is ROADSTEAD_LISTEN_MAX_STREAMS in the environment.
// Used at start, on one thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "config/units.h"

namespace roadstead::config {

struct ConfigSources {
  codec::json::value file;             // null when there is none
  std::string file_name = "settings";  // for messages
  std::map<std::string, std::string> environment;
  std::string environment_prefix = "ROADSTEAD_";
  std::map<std::string, std::string> flags;  // "listen.port" -> "8443"
};

// One YAML document, a mapping; empty text is an empty mapping.
Result<codec::json::value> parse_config(std::string_view yaml);

template <class T>
struct Bounds {
  T least;
  T most;
};

class ConfigReader;

// A mapping of the file. Cheap to copy; valid while its reader lives.
class Section {
 public:
  Section section(std::string_view name) const;
  // Each element of a list of mappings; from the file only.
  void sections(std::string_view name, const std::function<void(Section)>& read) const;

  // Each leaves `out` as it is when nothing is given, and returns whether something was.
  bool text(std::string_view name, std::string& out) const;  // not empty, no control characters
  bool texts(std::string_view name, std::vector<std::string>& out) const;  // a,b as a variable
  bool boolean(std::string_view name, bool& out) const;
  bool integer(std::string_view name, std::int64_t& out, Bounds<std::int64_t> bounds) const;
  bool port(std::string_view name, std::uint16_t& out) const;  // 1-65535
  bool duration(std::string_view name, Duration& out, Bounds<Duration> bounds) const;
  bool size(std::string_view name, std::uint64_t& out, Bounds<std::uint64_t> bounds) const;

  template <class T>
  bool choice(std::string_view name, T& out,
              const std::vector<std::pair<std::string, T>>& choices) const {
    std::vector<std::string> names;
    for (const auto& entry : choices) {
      names.push_back(entry.first);
    }
    std::size_t index = 0;
    if (!choose(name, names, index)) {
      return false;
    }
    out = choices[index].second;
    return true;
  }

  // A mistake that only the caller can see: "listen.port: " and the text.
  void mistake(std::string_view name, std::string_view text) const;
  // For settings without a default: a mistake when `given` is false.
  void require(std::string_view name, bool given) const;

 private:
  friend class ConfigReader;
  struct Found;
  Section(ConfigReader* reader, std::string path, const codec::json::object* object)
      : reader_(reader), path_(std::move(path)), object_(object) {}

  std::string path_of(std::string_view name) const;
  bool find(std::string_view name, Found& found) const;
  bool choose(std::string_view name, const std::vector<std::string>& names,
              std::size_t& index) const;
  const codec::json::value* in_file(std::string_view name) const;
  bool refuse(const Found& found, std::string_view text) const;  // always false

  ConfigReader* reader_;
  std::string path_;                   // empty for the root
  const codec::json::object* object_;  // null when the file does not have it
};

class ConfigReader {
 public:
  explicit ConfigReader(ConfigSources sources);
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

  Section root();

  // InvalidArgument with one line a mistake. Unknown names in the file and unknown flags are
  // mistakes; call it after everything was read.
  Result<void> finish();

  // Variables with the prefix that no setting uses. Not a mistake: Kubernetes itself sets such ones
  // (ROADSTEAD_SERVICE_HOST). Worth a warning. After finish().
  std::vector<std::string> unused_environment() const;

  static std::string environment_name(std::string_view prefix, std::string_view path);

 private:
  friend class Section;
  struct Known {
    const codec::json::object* object;
    std::set<std::string, std::less<>> names;
  };

  ConfigSources sources_;
  std::map<std::string, Known, std::less<>> known_;  // by the path of the mapping
  std::set<std::string, std::less<>> paths_;         // of all single settings
  std::set<std::string> used_environment_;
  std::vector<std::string> mistakes_;
};

}  // namespace roadstead::config
