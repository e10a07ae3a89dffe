// SPDX-License-Identifier: Apache-2.0
#include "net/inherited_sockets.h"

#include <vector>

#include "base/ascii.h"

namespace roadstead::net {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kMostSockets = 16;

}  // namespace

Result<std::map<std::string, int>> inherited_sockets(
    const std::map<std::string, std::string>& environment, int self) {
  const auto value = [&environment](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string_view() : std::string_view(it->second);
  };
  if (value("LISTEN_PID") != std::to_string(self)) {
    return std::map<std::string, int>();
  }
  int count = 0;
  const std::string_view text = value("LISTEN_FDS");
  for (const char c : text) {
    count = ascii::is_digit(c) && count <= kMostSockets ? count * 10 + (c - '0') : kMostSockets + 1;
  }
  if (text.empty() || count > kMostSockets) {
    return Error(ErrorKind::InvalidArgument, "LISTEN_FDS=\"" + std::string(text) +
                                                 "\": a number of sockets from 0 to " +
                                                 std::to_string(kMostSockets) + " is wanted");
  }
  std::vector<std::string_view> names;
  if (const std::string_view given = value("LISTEN_FDNAMES"); !given.empty()) {
    names = ascii::split(given, ':');
  } else {
    names.assign(static_cast<std::size_t>(count), "unknown");
  }
  if (names.size() != static_cast<std::size_t>(count)) {
    return Error(ErrorKind::InvalidArgument, "LISTEN_FDNAMES names " +
                                                 std::to_string(names.size()) +
                                                 " sockets, LISTEN_FDS " + std::to_string(count));
  }
  std::map<std::string, int> out;
  for (int i = 0; i < count; ++i) {
    const std::string name(names[static_cast<std::size_t>(i)]);
    if (!out.emplace(name, kFirstDescriptor + i).second) {
      return Error(ErrorKind::InvalidArgument,
                   "two inherited sockets are called \"" + name + "\" (LISTEN_FDNAMES)");
    }
  }
  return out;
}

}  // namespace roadstead::net
