// SPDX-License-Identifier: Apache-2.0
#include "stub/tunnel_directory.h"

#include <functional>

#include "base/check.h"

namespace roadstead::stub {

std::size_t OneProcessTunnels::shard_of(std::string_view cluster) const {
  CHECK(!shards_.empty(), "a hub has at least one shard");
  return std::hash<std::string_view>()(cluster) % shards_.size();
}

TunnelPlace OneProcessTunnels::place_of(std::string_view cluster) const {
  return shards_[shard_of(cluster)];
}

}  // namespace roadstead::stub
