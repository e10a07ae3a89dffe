// SPDX-License-Identifier: Apache-2.0
// Keeps the status of every Cluster: what was seen (lanes, reports, enrolment calls) goes in, the
// ladder comes out and is written when it changed. What changes every few seconds stays in memory.
// Lives on the object API's home; others hand over by posting.
//
// After a start of the hub, clusters that were running are given time to come back before they are
// called unreachable, and what changed of one that is back (addresses, times) is written little by
// little: otherwise the writes would stand in the way of the Agents that still wait.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "io/event.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "objects/object_api.h"
#include "registry/cluster_directory.h"
#include "registry/ladder.h"
#include "telemetry/log.h"
#include "tunnel/protocol.h"

namespace roadstead::controllers {

class ClusterMonitor {
 public:
  ClusterMonitor(objects::ObjectApi& api, const objects::Kind& clusters,
                 registry::ClusterDirectory& directory, telemetry::Logger logger);

  // Follows the Cluster objects and writes their status until stop().
  io::Task<void> run();
  void stop();

  // What the rest of the hub has seen.
  void token_minted(const std::string& cluster, WallTime expires);
  void enrolment_called(const std::string& cluster, registry::AttemptFact attempt,
                        const std::string& ca_fingerprint, std::optional<WallTime> not_after);
  void lane_up(const std::string& cluster, registry::LaneFact lane, const tunnel::Hello& hello);
  void lane_down(const std::string& cluster, std::uint64_t lane);
  // A lane whose Agent speaks for another API server, refused by the Stub.
  void lane_refused(const std::string& cluster, const registry::LaneFact& lane,
                    const tunnel::Hello& hello);
  void reported(const std::string& cluster, const tunnel::ApiServerReport& report);

  std::string registered_ca(const std::string& cluster) const;
  // Called for a lane that came before the Stub could know which API server is registered.
  void on_conflict(UniqueFunction<void(const std::string& cluster, std::uint64_t lane)> callback) {
    on_conflict_ = std::move(callback);
  }
  // Called when a Cluster object has gone.
  void on_removed(UniqueFunction<void(const std::string&)> callback) {
    on_removed_ = std::move(callback);
  }

 private:
  struct Watched {
    std::string uid;
    registry::ClusterFacts facts;
    std::string platform;
    std::string cluster_uid;
    std::size_t shown = 0;     // digest of the ladder that the object shows; 0: not known
    bool was_running = false;  // when the hub started, and nothing else was seen since
  };
  io::Task<void> follow();
  void refresh();
  void look_at_all();
  void look_at(const std::string& name, const boost::json::value& object);
  // Takes over what people wrote; what the directory is to hold.
  registry::ClusterEntry notice(const std::string& name, const boost::json::value& object);
  void removed(const std::string& name);
  void look_at_the_clock();
  static Watched adopt(const std::string& name, const boost::json::value& object);
  Watched* find(const std::string& cluster);
  void touch(const std::string& cluster);
  void touch_details(const std::string& cluster);
  bool is_awaited(const Watched& watched) const;
  void end_waiting();
  io::Task<void> write_dirty();
  io::Task<void> write_some_details();
  io::Task<void> write_status(std::string name);
  boost::json::object status_of(const Watched& watched, const boost::json::value& object) const;

  objects::ObjectApi& api_;
  const objects::Kind& kind_;
  registry::ClusterDirectory& directory_;
  telemetry::Logger logger_;
  std::map<std::string, Watched> clusters_;
  std::optional<objects::Revision> seen_;  // changes up to here are in `clusters_`
  std::set<std::string> dirty_;
  std::set<std::string> details_;            // like dirty_, but nobody waits for it
  std::optional<MonotonicTime> wait_until_;  // for clusters that were running
  io::Event objects_changed_;  // the directory follows at once, whatever the writer waits for
  io::Event changed_;          // something is to be written
  MonotonicTime next_look_{};
  MonotonicTime next_details_{};
  bool stopped_ = false;
  UniqueFunction<void(const std::string&)> on_removed_;
  UniqueFunction<void(const std::string&, std::uint64_t)> on_conflict_;
};

}  // namespace roadstead::controllers
