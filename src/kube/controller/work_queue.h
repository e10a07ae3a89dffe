// SPDX-License-Identifier: Apache-2.0
// Which key is worked on next (k8s.io/client-go/util/workqueue). A key waits at most once and is
// worked on by one worker at a time: one that is added while it is being worked on waits until that
// is done. So the queue holds at most as many keys as there are objects.
//
// Groups take turns, so that a cluster with a thousand changes does not hold up one with a single
// change. What is urgent goes before what is not, seven times out of eight.
// Lives on one executor.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "io/event.h"
#include "io/task.h"
#include "kube/controller/parts.h"
#include "kube/controller/retry_limiter.h"
#include "kube/object.h"

namespace roadstead::kube {

struct WorkKey {
  std::string group;  // whose turn it is: a cluster, a resource
  ObjectKey object;
  auto operator<=>(const WorkKey&) const = default;
  std::string to_string() const {
    return group.empty() ? object.to_string() : group + " " + object.to_string();
  }
};

enum class Priority : unsigned char { Urgent, Background };

struct WorkQueueOptions {
  RetryOptions retry;
  std::size_t workers_per_group = 0;  // at most so many keys of a group at once; 0: no limit
};

class WorkQueue {
 public:
  // `name` labels the metrics.
  WorkQueue(const ControllerParts& parts, const std::string& name, WorkQueueOptions options = {});

  void add(const WorkKey& key, Priority priority = Priority::Urgent);
  void add_after(const WorkKey& key, Duration after);
  void add_rate_limited(const WorkKey& key);                 // it failed
  void forget(const WorkKey& key) { limiter_.forget(key); }  // it did not fail
  int failures(const WorkKey& key) const { return limiter_.failures(key); }

  // Waits for a key; nullopt after shut_down(). Each key that was given is given back with done().
  io::Task<std::optional<WorkKey>> get();
  void done(const WorkKey& key);

  // Takes no more and gives no more; what waits is dropped.
  void shut_down();
  bool shutting_down() const { return shut_; }

  std::size_t depth() const { return ready_count_; }  // what a worker could take now or soon
  std::size_t delayed() const { return delayed_.size(); }
  std::size_t processing() const { return processing_.size(); }

 private:
  struct Waiting {
    Priority priority;
    std::uint64_t number;  // its place, when it is in a lane
    MonotonicTime since;
    bool in_lane = false;  // no: it is being worked on
  };
  using Group = std::map<std::uint64_t, WorkKey>;
  struct Lane {
    std::map<std::string, Group> groups;
    std::string last;  // whose turn it was
  };
  struct Working {
    MonotonicTime since;
  };
  void enter_lane(const WorkKey& key, Waiting& waiting);
  void leave_lane(const WorkKey& key, Waiting& waiting);
  // The next group that may have a worker.
  std::map<std::string, Group>::iterator turn(Lane& lane);
  bool may_work(const std::string& group) const;
  std::optional<WorkKey> try_take();
  std::optional<WorkKey> take_from(Priority priority);
  void arm_delay();
  void release_due();
  void measure();

  io::Executor& executor_;
  WorkQueueOptions options_;
  RetryLimiter<WorkKey> limiter_;
  std::array<Lane, 2> lanes_;
  std::map<WorkKey, Waiting> waiting_;
  std::map<WorkKey, Working> processing_;
  std::map<std::string, std::size_t> working_groups_;
  std::multimap<MonotonicTime, WorkKey> due_;
  std::map<WorkKey, std::multimap<MonotonicTime, WorkKey>::iterator> delayed_;
  std::size_t ready_count_ = 0;
  std::uint64_t next_number_ = 0;
  int urgent_in_a_row_ = 0;
  bool shut_ = false;
  io::Event changed_;
  io::Timer delay_;
  io::Timer measuring_;
  telemetry::Gauge& depth_metric_;
  telemetry::Gauge& delayed_metric_;
  telemetry::Gauge& oldest_metric_;
  telemetry::Gauge& longest_metric_;
  telemetry::Counter& adds_metric_;
  telemetry::Counter& retries_metric_;
  telemetry::Histogram& waited_metric_;
  telemetry::Histogram& worked_metric_;
};

}  // namespace roadstead::kube
