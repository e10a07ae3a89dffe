// SPDX-License-Identifier: Apache-2.0
// Which clusters are registered, as immutable snapshots that every shard reads without locks.
// Changed on the hub's home only, whenever a Cluster changes.
#pragma once

#include <array>
#include <atomic>
#include <functional>
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

  bool operator==(const ClusterEntry&) const = default;
};

using ClusterMap = std::map<std::string, ClusterEntry>;

class ClusterDirectory {
 public:
  void replace(const std::shared_ptr<const ClusterMap>& clusters) {
    std::array<ClusterMap, kParts> parts;
    for (const auto& [name, entry] : *clusters) {
      parts[part_of(name)].emplace(name, entry);
    }
    for (std::size_t i = 0; i < kParts; ++i) {
      parts_[i].store(std::make_shared<const ClusterMap>(std::move(parts[i])));
    }
  }
  void put(ClusterEntry entry) {
    change(entry.name, [&](ClusterMap& map) {
      std::string name = entry.name;
      map.insert_or_assign(std::move(name), std::move(entry));
    });
  }
  void erase(const std::string& name) {
    change(name, [&](ClusterMap& map) { map.erase(name); });
  }
  std::optional<ClusterEntry> find(const std::string& name) const {
    const auto clusters = parts_[part_of(name)].load();
    if (clusters == nullptr) {
      return std::nullopt;
    }
    const auto it = clusters->find(name);
    return it == clusters->end() ? std::nullopt : std::optional(it->second);
  }

 private:
  // A change copies one part only: a hub has thousands of clusters, and each changes at times.
  static constexpr std::size_t kParts = 256;
  static std::size_t part_of(const std::string& name) {
    return std::hash<std::string>()(name) % kParts;
  }
  template <class F>
  void change(const std::string& name, F f) {
    auto& part = parts_[part_of(name)];
    const auto before = part.load();
    auto after =
        before == nullptr ? std::make_shared<ClusterMap>() : std::make_shared<ClusterMap>(*before);
    f(*after);
    part.store(std::move(after));
  }

  std::array<std::atomic<std::shared_ptr<const ClusterMap>>, kParts> parts_;
};

}  // namespace roadstead::registry
