// SPDX-License-Identifier: Apache-2.0
#include "stub/tunnel.h"

#include <algorithm>
#include <tuple>

#include "io/sleep.h"

namespace roadstead::stub {
namespace {

constexpr std::size_t kBusyStreams = 100;
constexpr std::size_t kBusyBytes = 512 * 1024;
constexpr std::ptrdiff_t kMaxLanesOfReplica = 4;
constexpr Duration kGrowthPause = std::chrono::seconds(2);

}  // namespace

void Tunnel::grow_behind(Lane& busy, MonotonicTime now) {
  const bool full = busy.open_streams() >= kBusyStreams || busy.queued_bytes() >= kBusyBytes;
  if (!full || now < next_growth_) {
    return;
  }
  const std::string& replica = busy.agent().replica;
  const auto lanes = std::count_if(lanes_.begin(), lanes_.end(), [&replica](const LanePtr& lane) {
    return lane->agent().replica == replica;
  });
  if (lanes < kMaxLanesOfReplica) {
    next_growth_ = now + kGrowthPause;
    busy.send({{"type", "open-lane"}, {"purpose", "bulk"}});
  }
}

void Tunnel::remove(const Lane& lane) {
  std::erase_if(lanes_, [&lane](const LanePtr& l) { return l.get() == &lane; });
  if (lane.serves()) {
    expect_lane(changed_.executor().clock().now() + expect_after_loss_);
  }
}

LanePtr Tunnel::pick(const std::vector<TriedLane>& tried) const {
  const auto was_tried = [&tried](const Lane& lane) {
    return std::any_of(tried.begin(), tried.end(),
                       [&lane](const TriedLane& t) { return t.number == lane.number(); });
  };
  const auto rank = [&tried](const Lane& lane) {
    const bool same_replica = std::any_of(tried.begin(), tried.end(), [&lane](const TriedLane& t) {
      return t.replica == lane.agent().replica;
    });
    return std::tuple(same_replica, lane.queued_bytes(), lane.open_streams());
  };
  LanePtr best;
  for (const LanePtr& lane : lanes_) {
    if (!lane->usable() || was_tried(*lane)) {
      continue;
    }
    if (best == nullptr || rank(*lane) < rank(*best)) {
      best = lane;
    }
  }
  return best;
}

io::Task<LanePtr> Tunnel::await_lane(const std::vector<TriedLane>& tried, const bool& given_up) {
  if (std::ranges::any_of(lanes_, [](const LanePtr& l) { return l->serves(); })) {
    expect_lane(changed_.executor().clock().now() + expect_after_loss_);
  }
  LanePtr lane;
  while (lane == nullptr && expects_lane() && !given_up) {
    // The time may move while we wait: a lane that was drained is lost a little later.
    const io::DeadlineGuard guard(changed_.executor(), Deadline::at(expected_until_),
                                  [this] { changed_.pulse(); });
    co_await changed_.wait();
    lane = pick(tried);
  }
  co_return lane;
}

void Tunnel::expect_none() {
  expected_until_ = MonotonicTime{};
  changed_.pulse();
}

void Tunnel::recheck_principals(const identity::Directory& directory) {
  for (const LanePtr& lane : lanes_) {
    lane->recheck_principals();
  }
  for (Running* request : running_) {
    if (!directory.still_valid(*request->principal).ok()) {
      request->revoke();
    }
  }
}

void Tunnel::end_watches() {
  for (Running* request : running_) {
    request->end_watch();
  }
}

void Tunnel::close_lanes() {
  for (const LanePtr& lane : lanes_) {
    lane->close();
  }
}

}  // namespace roadstead::stub
