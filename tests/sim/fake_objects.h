// SPDX-License-Identifier: Apache-2.0
// The ConfigMaps of a member, listed in pages and watched, for what the hub reads through a tunnel.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "io/event.h"

namespace roadstead::sim {

class FakeObjects {
 public:
  static constexpr std::string_view kPath = "/api/v1/configmaps";

  explicit FakeObjects(io::Executor& executor) : changed_(executor) {}

  void put(const std::string& name, const std::string& value);
  void remove(const std::string& name);
  void forget_history();  // what is older than now gives 410
  int lists() const { return lists_; }
  int watches() const { return watches_; }

  http::ClientExchangePtr open(const http::RequestHead& head);

 private:
  class ListExchange;
  class WatchExchange;
  struct Event {
    std::uint64_t version;
    std::string line;
  };
  std::string json_of(const std::string& name) const;
  void log(std::string_view type, const std::string& name);

  struct Entry {
    std::string value;
    std::uint64_t version;
  };
  std::map<std::string, Entry> objects_;
  std::vector<Event> events_;
  std::uint64_t version_ = 100;
  std::uint64_t forgotten_ = 0;
  int lists_ = 0;
  int watches_ = 0;
  io::Event changed_;
};

}  // namespace roadstead::sim
