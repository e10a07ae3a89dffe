// SPDX-License-Identifier: Apache-2.0
// Which clusters are registered, as an immutable snapshot that every shard reads without locks.
// The hub's wiring replaces it whenever a Cluster changes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace roadstead::registry {

struct ClusterEntry {
  std::string name;
  std::string uid;
  bool paused = false;
  bool removing = false;
  std::string api_server_ca;  // fingerprint that was registered; "" until one is known
};

using ClusterMap = std::map<std::string, ClusterEntry>;

class ClusterDirectory {
 public:
  void replace(std::shared_ptr<const ClusterMap> clusters) { clusters_.store(std::move(clusters)); }
  std::optional<ClusterEntry> find(const std::string& name) const {
    const auto clusters = clusters_.load();
    const auto it = clusters->find(name);
    return it == clusters->end() ? std::nullopt : std::optional(it->second);
  }

 private:
  std::atomic<std::shared_ptr<const ClusterMap>> clusters_{std::make_shared<const ClusterMap>()};
};

}  // namespace roadstead::registry
