// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/work_queue.h"

namespace roadstead::kube {
namespace {

constexpr int kUrgentInARow = 7;
constexpr Duration kMeasureEvery = std::chrono::seconds(1);

const std::vector<double>& seconds_bounds() {
  static const std::vector<double> bounds{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60};
  return bounds;
}

double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

std::int64_t whole_seconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

}  // namespace

WorkQueue::WorkQueue(const ControllerParts& parts, const std::string& name,
                     WorkQueueOptions options)
    : executor_(parts.executor),
      options_(options),
      limiter_(options.retry),
      changed_(parts.executor),
      delay_(parts.executor),
      measuring_(parts.executor),
      depth_metric_(parts.metrics.gauge("roadstead_workqueue_depth", "Keys that wait for a worker.",
                                        {{"queue", name}})),
      delayed_metric_(parts.metrics.gauge("roadstead_workqueue_delayed", "Keys that are due later.",
                                          {{"queue", name}})),
      oldest_metric_(parts.metrics.gauge("roadstead_workqueue_oldest_age_seconds",
                                         "How long the oldest waiting key has waited.",
                                         {{"queue", name}})),
      longest_metric_(parts.metrics.gauge("roadstead_workqueue_longest_running_seconds",
                                          "How long the longest running reconciliation has run.",
                                          {{"queue", name}})),
      adds_metric_(parts.metrics.counter("roadstead_workqueue_adds_total", "Keys that were added.",
                                         {{"queue", name}})),
      retries_metric_(parts.metrics.counter("roadstead_workqueue_retries_total",
                                            "Keys that were tried again after a failure.",
                                            {{"queue", name}})),
      waited_metric_(parts.metrics.histogram("roadstead_workqueue_queue_duration_seconds",
                                             "How long keys waited.", seconds_bounds(),
                                             {{"queue", name}})),
      worked_metric_(parts.metrics.histogram("roadstead_workqueue_work_duration_seconds",
                                             "How long reconciliations took.", seconds_bounds(),
                                             {{"queue", name}})) {}

void WorkQueue::add(const WorkKey& key, Priority priority) {
  if (shut_) {
    return;
  }
  if (const auto it = waiting_.find(key); it != waiting_.end()) {
    Waiting& waiting = it->second;
    if (priority < waiting.priority) {
      const bool moves = waiting.in_lane;
      if (moves) {
        leave_lane(key, waiting);
      }
      waiting.priority = priority;
      if (moves) {
        enter_lane(key, waiting);
      }
    }
    return;
  }
  adds_metric_.add();
  Waiting& waiting = waiting_[key];
  waiting = {priority, 0, executor_.clock().now(), false};
  if (!processing_.contains(key)) {
    enter_lane(key, waiting);
  }
}

void WorkQueue::enter_lane(const WorkKey& key, Waiting& waiting) {
  waiting.number = next_number_++;
  waiting.in_lane = true;
  lanes_.at(static_cast<std::size_t>(waiting.priority)).groups[key.group][waiting.number] = key;
  ++ready_count_;
  depth_metric_.set(static_cast<std::int64_t>(ready_count_));
  if (!measuring_.armed()) {
    measuring_.arm(kMeasureEvery, [this] { measure(); });
  }
  changed_.pulse();
}

void WorkQueue::leave_lane(const WorkKey& key, Waiting& waiting) {
  Lane& lane = lanes_.at(static_cast<std::size_t>(waiting.priority));
  const auto group = lane.groups.find(key.group);
  group->second.erase(waiting.number);
  if (group->second.empty()) {
    lane.groups.erase(group);
  }
  waiting.in_lane = false;
  --ready_count_;
  depth_metric_.set(static_cast<std::int64_t>(ready_count_));
}

bool WorkQueue::may_work(const std::string& group) const {
  const auto it = working_groups_.find(group);
  return options_.workers_per_group == 0 || it == working_groups_.end() ||
         it->second < options_.workers_per_group;
}

std::map<std::string, WorkQueue::Group>::iterator WorkQueue::turn(Lane& lane) {
  auto it = lane.groups.upper_bound(lane.last);
  for (std::size_t i = 0; i < lane.groups.size(); ++i, ++it) {
    if (it == lane.groups.end()) {
      it = lane.groups.begin();
    }
    if (may_work(it->first)) {
      return it;
    }
  }
  return lane.groups.end();
}

std::optional<WorkKey> WorkQueue::take_from(Priority priority) {
  Lane& lane = lanes_.at(static_cast<std::size_t>(priority));
  const auto group = turn(lane);
  if (group == lane.groups.end()) {
    return std::nullopt;
  }
  lane.last = group->first;
  const WorkKey key = group->second.begin()->second;
  const auto waiting = waiting_.find(key);
  const MonotonicTime now = executor_.clock().now();
  waited_metric_.observe(in_seconds(now - waiting->second.since));
  leave_lane(key, waiting->second);
  waiting_.erase(waiting);
  processing_[key] = {now};
  ++working_groups_[key.group];
  return key;
}

std::optional<WorkKey> WorkQueue::try_take() {
  const bool background_first = urgent_in_a_row_ >= kUrgentInARow;
  auto key = take_from(background_first ? Priority::Background : Priority::Urgent);
  const bool urgent = key.has_value() != background_first;
  if (!key.has_value()) {
    key = take_from(background_first ? Priority::Urgent : Priority::Background);
  }
  if (key.has_value()) {
    urgent_in_a_row_ = urgent ? urgent_in_a_row_ + 1 : 0;
  }
  return key;
}

io::Task<std::optional<WorkKey>> WorkQueue::get() {
  while (!shut_) {
    if (auto key = try_take()) {
      co_return key;
    }
    co_await changed_.wait_next();
  }
  co_return std::nullopt;
}

void WorkQueue::done(const WorkKey& key) {
  const auto it = processing_.find(key);
  CHECK(it != processing_.end(), "a key was given back that nobody had taken");
  worked_metric_.observe(in_seconds(executor_.clock().now() - it->second.since));
  processing_.erase(it);
  if (--working_groups_[key.group] == 0) {
    working_groups_.erase(key.group);
  }
  if (const auto waiting = waiting_.find(key); waiting != waiting_.end()) {
    enter_lane(key, waiting->second);
  }
  changed_.pulse();
}

void WorkQueue::add_rate_limited(const WorkKey& key) {
  if (!shut_) {
    retries_metric_.add();
    add_after(key, limiter_.when(key, executor_.clock().now()));
  }
}

void WorkQueue::add_after(const WorkKey& key, Duration after) {
  if (shut_) {
    return;
  }
  if (after <= Duration::zero()) {
    add(key);
    return;
  }
  const MonotonicTime when = executor_.clock().now() + after;
  if (const auto it = delayed_.find(key); it != delayed_.end()) {
    if (it->second->first <= when) {
      return;
    }
    due_.erase(it->second);
  }
  delayed_[key] = due_.emplace(when, key);
  arm_delay();
}

void WorkQueue::arm_delay() {
  delayed_metric_.set(static_cast<std::int64_t>(due_.size()));
  if (due_.empty()) {
    delay_.cancel();
  } else {
    delay_.arm_at(due_.begin()->first, [this] { release_due(); });
  }
}

void WorkQueue::release_due() {
  while (!due_.empty() && due_.begin()->first <= executor_.clock().now()) {
    const WorkKey key = due_.begin()->second;
    due_.erase(due_.begin());
    delayed_.erase(key);
    add(key);
  }
  arm_delay();
}

void WorkQueue::measure() {
  const MonotonicTime now = executor_.clock().now();
  Duration oldest{};
  for (const auto& [key, waiting] : waiting_) {
    oldest = std::max(oldest, now - waiting.since);
  }
  Duration longest{};
  for (const auto& [key, working] : processing_) {
    longest = std::max(longest, now - working.since);
  }
  oldest_metric_.set(whole_seconds(oldest));
  longest_metric_.set(whole_seconds(longest));
  if (!waiting_.empty() || !processing_.empty()) {
    measuring_.arm(kMeasureEvery, [this] { measure(); });
  }
}

void WorkQueue::shut_down() {
  shut_ = true;
  lanes_ = {};
  waiting_.clear();
  due_.clear();
  delayed_.clear();
  ready_count_ = 0;
  delay_.cancel();
  measuring_.cancel();
  depth_metric_.set(0);
  delayed_metric_.set(0);
  oldest_metric_.set(0);
  changed_.pulse();
}

}  // namespace roadstead::kube
