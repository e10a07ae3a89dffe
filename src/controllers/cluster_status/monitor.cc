// SPDX-License-Identifier: Apache-2.0
#include "controllers/cluster_status/monitor.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "kube/object.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

// Conditions that depend on time alone (silence, expiry) are looked at this often.
constexpr Duration kLookAgain = std::chrono::seconds(5);
// Statuses that are looked at before others have their turn: after a start it is all of them.
constexpr std::size_t kInARow = 50;
// How long clusters may take to come back after the hub's start, and how fast it is written then.
constexpr Duration kReturnTime = std::chrono::seconds(10);
constexpr std::size_t kDetailsAtOnce = 10;
constexpr Duration kDetailsPause = std::chrono::milliseconds(100);

std::optional<WallTime> time_at(const json::value& object, std::string_view field) {
  const auto parsed = parse_rfc3339(codec::string_at(object, {"status", field}));
  return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

json::array agents_of(const registry::ClusterFacts& facts) {
  std::map<std::string, json::object> replicas;
  for (const registry::LaneFact& lane : facts.lanes) {
    json::object& agent = replicas[lane.replica];
    const std::int64_t lanes = agent.empty() ? 0 : agent["lanes"].as_int64();
    if (agent.empty()) {
      agent["replica"] = lane.replica;
      agent["connectedAt"] = format_rfc3339(lane.connected_at);
    }
    agent["lanes"] = lanes + 1;
    agent["version"] = lane.software;
    agent["remoteAddress"] = lane.remote_address;
    agent["certificateNotAfter"] = format_rfc3339(lane.certificate_not_after);
  }
  json::array out;
  for (auto& [replica, agent] : replicas) {
    out.push_back(std::move(agent));
  }
  return out;
}

std::size_t digest(const registry::Ladder& ladder) {
  std::string all = ladder.phase;
  for (const registry::Condition& c : ladder.conditions) {
    for (const std::string* text :
         {&c.type, &c.status, &c.reason, &c.message, &c.evidence, &c.fix}) {
      all.append(*text).push_back('\n');
    }
  }
  return std::hash<std::string>()(all);
}

const objects::RequestContext& controller_context() {
  static const objects::RequestContext context = objects::service_context("cluster-status");
  return context;
}

}  // namespace

ClusterMonitor::ClusterMonitor(objects::ObjectApi& api, const objects::Kind& clusters,
                               registry::ClusterDirectory& directory, telemetry::Logger logger)
    : api_(api),
      kind_(clusters),
      directory_(directory),
      logger_(std::move(logger)),
      objects_changed_(api.cache().home()),
      changed_(api.cache().home()) {}

void ClusterMonitor::stop() {
  stopped_ = true;
  objects_changed_.pulse();
  changed_.pulse();
}

io::Task<void> ClusterMonitor::run() {
  wait_until_ = api_.clock().now() + kReturnTime;
  refresh();
  io::TaskGroup following(api_.cache().home());
  following.spawn(follow());
  io::Timer timer(api_.cache().home());
  while (!stopped_) {
    co_await write_dirty();
    co_await write_some_details();
    if (stopped_) {
      break;
    }
    timer.arm(details_.empty() ? kLookAgain : kDetailsPause, [this] {
      look_at_the_clock();
      changed_.pulse();
    });
    if (dirty_.empty()) {
      co_await changed_.wait_next();
    }
  }
  co_await following.join();
}

io::Task<void> ClusterMonitor::follow() {
  objects::KindCache& cache = api_.cache().of(kind_);
  cache.listen(objects_changed_);
  while (!stopped_) {
    refresh();
    co_await objects_changed_.wait_next();
  }
  cache.unlisten(objects_changed_);
}

// Brings the watched set in line with the objects. Costs as much as has changed since the last
// time.
void ClusterMonitor::refresh() {
  constexpr std::size_t kAtOnce = 500;
  const objects::KindCache& cache = api_.cache().of(kind_);
  for (;;) {
    const auto events = seen_.has_value() ? cache.events(*seen_, kAtOnce) : std::nullopt;
    if (!events.has_value()) {
      look_at_all();
      return;
    }
    for (const objects::CacheEvent& event : *events) {
      if (event.deleted) {
        removed(event.object->key.name);
      } else {
        look_at(event.object->key.name, event.object->parse());
      }
    }
    if (events->size() < kAtOnce) {
      seen_ = std::max(*seen_, api_.cache().revision());
      return;
    }
    seen_ = events->back().revision;
  }
}

// The writer compares each status: here everybody waits.
void ClusterMonitor::look_at_all() {
  const auto& objects = api_.cache().of(kind_).objects();
  auto known = std::make_shared<registry::ClusterMap>();
  for (const auto& [path, object] : objects) {
    const std::string& name = object->key.name;
    known->emplace(name, notice(name, object->parse()));
    touch(name);
  }
  std::vector<std::string> gone;
  for (const auto& [name, watched] : clusters_) {
    if (!objects.contains(name)) {
      gone.push_back(name);
    }
  }
  for (const std::string& name : gone) {
    removed(name);
  }
  directory_.replace(known);
  seen_ = api_.cache().revision();
}

void ClusterMonitor::look_at(const std::string& name, const json::value& object) {
  registry::ClusterEntry entry = notice(name, object);
  if (directory_.find(name) != entry) {
    directory_.put(std::move(entry));
  }
  Watched& watched = clusters_[name];
  const json::value* status = codec::find(object, {"status"});
  if (status == nullptr || *status != json::value(status_of(watched, object))) {
    touch(name);
  } else {
    watched.shown = digest(registry::climb(watched.facts, api_.clock().wall()));
  }
}

registry::ClusterEntry ClusterMonitor::notice(const std::string& name, const json::value& object) {
  Watched& watched = clusters_[name];
  if (watched.uid != kube::uid_of(object)) {
    watched = adopt(name, object);
  }
  watched.facts.paused = codec::bool_at(object, {"spec", "paused"});
  watched.facts.removing = kube::is_being_deleted(object);
  return {name, watched.uid, watched.facts.paused, watched.facts.removing,
          watched.facts.ca_fingerprint};
}

void ClusterMonitor::removed(const std::string& name) {
  directory_.erase(name);
  clusters_.erase(name);
  dirty_.erase(name);
  details_.erase(name);
  if (on_removed_) {
    on_removed_(name);
  }
}

bool ClusterMonitor::is_awaited(const Watched& watched) const {
  return wait_until_.has_value() && watched.was_running && !watched.facts.removing &&
         (watched.facts.lanes.empty() || !watched.facts.report.has_value());
}

void ClusterMonitor::end_waiting() {
  for (const auto& [name, watched] : clusters_) {
    if (is_awaited(watched)) {
      touch(name);
    }
  }
  wait_until_.reset();
}

// Finds the clusters whose ladder looks different only because time has passed.
void ClusterMonitor::look_at_the_clock() {
  const MonotonicTime monotonic = api_.clock().now();
  if (wait_until_.has_value() && monotonic >= *wait_until_) {
    end_waiting();
  }
  if (monotonic < next_look_) {
    return;
  }
  next_look_ = monotonic + kLookAgain;
  const WallTime now = api_.clock().wall();
  for (const auto& [name, watched] : clusters_) {
    const registry::ClusterFacts& f = watched.facts;
    const bool timed = f.token_minted.has_value() || f.token_expires.has_value() ||
                       f.certificate_not_after.has_value() || f.conflict.has_value();
    if (timed && digest(registry::climb(f, now)) != watched.shown) {
      touch(name);
    }
  }
}

// What an earlier run of the hub knew is where this one begins.
ClusterMonitor::Watched ClusterMonitor::adopt(const std::string& name, const json::value& object) {
  Watched watched;
  watched.uid = kube::uid_of(object);
  registry::ClusterFacts& facts = watched.facts;
  facts.name = name;
  facts.certificate_issued = time_at(object, "registeredAt");
  facts.last_contact = time_at(object, "lastSeen");
  facts.kubernetes_version = codec::string_at(object, {"status", "kubernetesVersion"});
  facts.ca_fingerprint = codec::string_at(object, {"status", "apiServerCAFingerprint"});
  watched.platform = codec::string_at(object, {"status", "platform"});
  watched.cluster_uid = codec::string_at(object, {"status", "clusterUID"});
  watched.was_running = codec::string_at(object, {"status", "phase"}) == "Running";
  return watched;
}

ClusterMonitor::Watched* ClusterMonitor::find(const std::string& cluster) {
  const auto it = clusters_.find(cluster);
  return it == clusters_.end() ? nullptr : &it->second;
}

void ClusterMonitor::touch(const std::string& cluster) {
  dirty_.insert(cluster);
  changed_.pulse();
}

void ClusterMonitor::touch_details(const std::string& cluster) {
  details_.insert(cluster);
  changed_.pulse();
}

void ClusterMonitor::token_minted(const std::string& cluster, WallTime expires) {
  // Whoever gets the token may call before anything else happens here, and must be known by then.
  refresh();
  if (Watched* w = find(cluster)) {
    w->facts.token_minted = api_.clock().wall();
    w->facts.token_expires = expires;
    touch(cluster);
  }
}

void ClusterMonitor::enrolment_called(const std::string& cluster, registry::AttemptFact attempt,
                                      const std::string& ca_fingerprint,
                                      std::optional<WallTime> not_after) {
  Watched* w = find(cluster);
  if (w == nullptr) {
    return;
  }
  if (attempt.reason == "OtherAPIServer") {
    w->facts.conflict = registry::ConflictFact{ca_fingerprint, "", attempt.address, attempt.at};
  }
  if (attempt.error.empty()) {
    w->facts.certificate_issued = attempt.at;
    w->facts.certificate_not_after = not_after;
    w->facts.last_contact = attempt.at;
    if (w->facts.ca_fingerprint.empty()) {
      w->facts.ca_fingerprint = ca_fingerprint;
    }
  }
  w->facts.attempt = std::move(attempt);
  touch(cluster);
}

void ClusterMonitor::lane_up(const std::string& cluster, registry::LaneFact lane,
                             const tunnel::Hello& hello) {
  Watched* w = find(cluster);
  if (w == nullptr) {
    return;
  }
  registry::ClusterFacts& facts = w->facts;
  if (!facts.ca_fingerprint.empty() && facts.ca_fingerprint != hello.api_server_ca_fingerprint) {
    if (on_conflict_) {
      on_conflict_(cluster, lane.number);
    }
    return;
  }
  facts.last_contact = lane.connected_at;
  facts.certificate_not_after = lane.certificate_not_after;
  if (!facts.certificate_issued.has_value()) {
    facts.certificate_issued = lane.connected_at;
  }
  if (facts.ca_fingerprint.empty()) {
    facts.ca_fingerprint = hello.api_server_ca_fingerprint;
  }
  if (!hello.kubernetes_version.empty()) {
    facts.kubernetes_version = hello.kubernetes_version;
  }
  if (!hello.platform.empty()) {
    w->platform = hello.platform;
  }
  if (!hello.cluster_uid.empty()) {
    w->cluster_uid = hello.cluster_uid;
  }
  facts.lanes.push_back(std::move(lane));
  if (w->was_running) {
    touch_details(cluster);
  } else {
    touch(cluster);
  }
}

void ClusterMonitor::lane_down(const std::string& cluster, std::uint64_t lane) {
  if (Watched* w = find(cluster)) {
    std::erase_if(w->facts.lanes, [lane](const registry::LaneFact& l) { return l.number == lane; });
    if (w->facts.lanes.empty()) {
      w->facts.report.reset();
    }
    w->was_running = false;
    touch(cluster);
  }
}

void ClusterMonitor::lane_refused(const std::string& cluster, const registry::LaneFact& lane,
                                  const tunnel::Hello& hello) {
  if (Watched* w = find(cluster)) {
    w->facts.conflict = registry::ConflictFact{hello.api_server_ca_fingerprint, lane.replica,
                                               lane.remote_address, api_.clock().wall()};
    touch(cluster);
  }
}

void ClusterMonitor::reported(const std::string& cluster, const tunnel::ApiServerReport& report) {
  Watched* w = find(cluster);
  if (w == nullptr) {
    return;
  }
  const WallTime now = api_.clock().wall();
  w->facts.last_contact = now;
  const bool news =
      !w->facts.report.has_value() || w->facts.report->reachable != report.reachable ||
      w->facts.report->message != report.message || w->facts.kubernetes_version != report.version;
  const WallTime since = news || !w->facts.report.has_value() ? now : w->facts.report->at;
  w->facts.report = registry::ReportFact{report.reachable, report.version, report.message, since};
  if (!report.version.empty()) {
    w->facts.kubernetes_version = report.version;
  }
  if (!report.cluster_uid.empty()) {
    w->cluster_uid = report.cluster_uid;
  }
  if (news && w->was_running && report.reachable) {
    touch_details(cluster);
  } else if (news) {
    touch(cluster);
  }
}

std::string ClusterMonitor::registered_ca(const std::string& cluster) const {
  const auto it = clusters_.find(cluster);
  return it == clusters_.end() ? std::string() : it->second.facts.ca_fingerprint;
}

io::Task<void> ClusterMonitor::write_dirty() {
  const std::set<std::string> names = std::exchange(dirty_, {});
  std::size_t done = 0;
  for (const std::string& name : names) {
    if (stopped_) {
      co_return;
    }
    co_await write_status(name);
    if (++done % kInARow == 0) {
      co_await api_.cache().home().yield();
    }
  }
}

io::Task<void> ClusterMonitor::write_some_details() {
  const MonotonicTime now = api_.clock().now();
  if (details_.empty() || now < next_details_) {
    co_return;
  }
  next_details_ = now + kDetailsPause;
  for (std::size_t i = 0; i < kDetailsAtOnce && !details_.empty() && !stopped_; ++i) {
    const std::string name = *details_.begin();
    details_.erase(details_.begin());
    co_await write_status(name);
  }
}

json::object ClusterMonitor::status_of(const Watched& watched, const json::value& object) const {
  const WallTime now = api_.clock().wall();
  const registry::Ladder ladder = registry::climb(watched.facts, now);
  json::object status;
  if (const json::value* old = codec::find(object, {"status"});
      old != nullptr && old->is_object()) {
    status = old->get_object();
  }
  status["phase"] = ladder.phase;
  for (const registry::Condition& c : ladder.conditions) {
    kube::set_condition(status, {c.type, c.status, c.reason, c.message, c.evidence, c.fix},
                        kube::generation_of(object), now);
  }
  const auto text = [&status](std::string_view field, const std::string& value) {
    if (!value.empty()) {
      status[field] = value;
    }
  };
  text("kubernetesVersion", watched.facts.kubernetes_version);
  text("platform", watched.platform);
  text("apiServerCAFingerprint", watched.facts.ca_fingerprint);
  text("clusterUID", watched.cluster_uid);
  if (watched.facts.certificate_issued.has_value() && !status.contains("registeredAt")) {
    status["registeredAt"] = format_rfc3339(*watched.facts.certificate_issued);
  }
  if (!watched.facts.lanes.empty()) {
    status["agents"] = agents_of(watched.facts);
  }
  return status;
}

io::Task<void> ClusterMonitor::write_status(std::string name) {
  Watched* watched = find(name);
  if (watched == nullptr || is_awaited(*watched)) {
    co_return;
  }
  const auto object = co_await api_.get(kind_, {"", name});
  watched = find(name);
  if (!object.ok() || watched == nullptr) {
    co_return;
  }
  json::value value = (*object)->parse();
  json::object status = status_of(*watched, value);
  const std::size_t shown = digest(registry::climb(watched->facts, api_.clock().wall()));
  // lastSeen alone is no reason to write.
  const json::value* before = codec::find(value, {"status"});
  if (before != nullptr && *before == json::value(status)) {
    watched->shown = shown;
    co_return;
  }
  if (watched->facts.last_contact.has_value()) {
    status["lastSeen"] = format_rfc3339(*watched->facts.last_contact);
  }
  const std::string phase(codec::string_at(value, {"status", "phase"}));
  const std::string new_phase(status["phase"].as_string());
  value.as_object()["status"] = std::move(status);
  auto written = co_await api_.update(controller_context(), kind_, {"", name}, std::move(value),
                                      {.subresource = "status"});
  watched = find(name);
  if (watched == nullptr) {
    co_return;
  }
  if (!written.ok()) {
    // A conflict means that somebody else wrote; the next look has the new object.
    if (written.error().kind() != ErrorKind::Conflict) {
      logger_.error("cluster status not written",
                    {{"cluster", name}, {"error", written.error().message()}});
    }
    dirty_.insert(name);
    changed_.pulse();
    co_return;
  }
  watched->shown = shown;
  watched->was_running = false;
  if (phase != new_phase) {
    logger_.info("cluster changed", {{"cluster", name}, {"phase", new_phase}});
  }
}

}  // namespace roadstead::controllers
