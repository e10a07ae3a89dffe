// SPDX-License-Identifier: Apache-2.0
// All live lanes of one cluster on one shard, and the choice among them. Owned by the shard's
// StubShard; lives on that shard.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "io/event.h"
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
  // For `expect_after_loss` a lane that was lost, or is being drained, is expected to be replaced.
  Tunnel(std::string cluster, const FairLimits& limits, Duration expect_after_loss,
         io::Executor& executor)
      : cluster_(std::move(cluster)),
        gate_(limits),
        expect_after_loss_(expect_after_loss),
        changed_(executor) {}

  const std::string& cluster() const { return cluster_; }
  void add(LanePtr lane) { lanes_.push_back(std::move(lane)); }
  void remove(const Lane& lane);
  const std::vector<LanePtr>& lanes() const { return lanes_; }

  // The usable lane with the least queued bytes, then the fewest streams; a lane of another replica
  // than those in `tried` when there is one. nullptr when none is usable.
  LanePtr pick(const std::vector<TriedLane>& tried) const;
  // After pick() gave none: as pick(), once there is one, for as long as one is expected; nullptr
  // at once when `given_up`.
  io::Task<LanePtr> await_lane(const std::vector<TriedLane>& tried, const bool& given_up);
  // A lane is on its way until then at least.
  void expect_lane(MonotonicTime until) { expected_until_ = std::max(expected_until_, until); }
  // None is expected any more: those who wait give up.
  void expect_none();
  bool expects_lane() const { return expected_until_ > changed_.executor().clock().now(); }
  // Those who wait look again.
  void wake() { changed_.pulse(); }
  // Asks the Agent behind a busy lane for one more, within limits; it closes by itself when idle.
  void grow_behind(Lane& busy, MonotonicTime now);
  bool connected() const { return pick({}) != nullptr; }

  // Running requests, so that revocation and a drain can end them.
  class Running {
   public:
    explicit Running(identity::PrincipalPtr p) : principal(std::move(p)) {}
    virtual void revoke() = 0;
    virtual void end_watch() = 0;  // between two objects; nothing for what is no watch
    const identity::PrincipalPtr principal;

   protected:
    ~Running() = default;
  };
  using RunningList = std::list<Running*>;
  RunningList& running() { return running_; }
  // Ends lanes' contexts and running requests of principals that are no longer valid.
  void recheck_principals(const identity::Directory& directory);

  // A reflector goes on elsewhere where it was; other requests may finish.
  void end_watches();

  void close_lanes();

  // Who may run, and who is next.
  FairGate& gate() { return gate_; }

  // Whoever works with the tunnel across a wait holds it; StubShard drops one that nobody holds.
  void hold() { ++holders_; }
  bool held() const { return holders_ > 0; }
  bool let_go() { return --holders_ == 0; }  // true: nobody is left

 private:
  std::string cluster_;
  std::vector<LanePtr> lanes_;
  RunningList running_;
  MonotonicTime next_growth_{};
  FairGate gate_;
  std::size_t holders_ = 0;
  const Duration expect_after_loss_;
  MonotonicTime expected_until_{};
  io::Event changed_;
};

class RunningGuard {
 public:
  RunningGuard(Tunnel& tunnel, Tunnel::Running& request) : list_(tunnel.running()) {
    list_.push_back(&request);
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
