// SPDX-License-Identifier: Apache-2.0
// All live lanes of one cluster on one shard, and the choice among them. Owned by the shard's
// StubShard; lives on that shard.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "stub/fair_gate.h"
#include "stub/lane.h"

namespace roadstead::stub {

using LanePtr = std::shared_ptr<Lane>;

// A lane that a request has been sent on. Its replica may have died with all its lanes, of which
// the hub hears one after the other.
struct TriedLane {
  std::uint64_t number;
  std::string replica;
};

class Tunnel {
 public:
  Tunnel(std::string cluster, const FairLimits& limits)
      : cluster_(std::move(cluster)), gate_(limits) {}

  const std::string& cluster() const { return cluster_; }
  void add(LanePtr lane) { lanes_.push_back(std::move(lane)); }
  void remove(const Lane& lane);
  const std::vector<LanePtr>& lanes() const { return lanes_; }

  // The usable lane with the least queued bytes, then the fewest streams; a lane of another replica
  // than those in `tried` when there is one. nullptr when none is usable.
  LanePtr pick(const std::vector<TriedLane>& tried) const;
  // Asks the Agent behind a busy lane for one more, within limits; it closes by itself when idle.
  void grow_behind(Lane& busy, MonotonicTime now);
  bool connected() const { return pick({}) != nullptr; }

  // Running requests, so that revocation can end them.
  struct Running {
    identity::PrincipalPtr principal;
    UniqueFunction<void()> abort;
  };
  using RunningList = std::list<Running>;
  RunningList& running() { return running_; }
  // Ends lanes' contexts and running requests of principals that are no longer valid.
  void recheck_principals(const identity::Directory& directory);

  void close_lanes();

  // Who may run, and who is next.
  FairGate& gate() { return gate_; }

  // Whoever works with the tunnel across a wait holds it; StubShard drops one that nobody holds.
  void hold() { ++holders_; }
  bool let_go() { return --holders_ == 0; }  // true: nobody is left

 private:
  std::string cluster_;
  std::vector<LanePtr> lanes_;
  RunningList running_;
  MonotonicTime next_growth_{};
  FairGate gate_;
  std::size_t holders_ = 0;
};

class RunningGuard {
 public:
  RunningGuard(Tunnel& tunnel, identity::PrincipalPtr principal, UniqueFunction<void()> abort)
      : list_(tunnel.running()) {
    list_.push_back({std::move(principal), std::move(abort)});
    position_ = std::prev(list_.end());
  }
  ~RunningGuard() { list_.erase(position_); }
  RunningGuard(const RunningGuard&) = delete;
  RunningGuard& operator=(const RunningGuard&) = delete;

 private:
  Tunnel::RunningList& list_;
  Tunnel::RunningList::iterator position_;
};

}  // namespace roadstead::stub
