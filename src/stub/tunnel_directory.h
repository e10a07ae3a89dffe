// SPDX-License-Identifier: Apache-2.0
// Where the tunnel of a cluster is. Whoever has a request for a cluster asks here and nowhere else,
// so that tunnels may come to live in other processes without their callers knowing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stub/stub_shard.h"

namespace roadstead::stub {

// Calls of `stubs` are made on `executor`. Both outlive the directory.
struct TunnelPlace {
  StubShard* stubs = nullptr;
  io::Executor* executor = nullptr;
};

// Any thread.
class TunnelDirectory {
 public:
  virtual ~TunnelDirectory() = default;
  virtual TunnelPlace place_of(std::string_view cluster) const = 0;
};

// All tunnels are in this process; a cluster lives on the shard that its name hashes to. Filled
// before the shards start, by the hub's wiring, which owns it.
class OneProcessTunnels final : public TunnelDirectory {
 public:
  void add(TunnelPlace shard) { shards_.push_back(shard); }
  std::size_t shard_of(std::string_view cluster) const;
  TunnelPlace place_of(std::string_view cluster) const override;

 private:
  std::vector<TunnelPlace> shards_;
};

}  // namespace roadstead::stub
