// SPDX-License-Identifier: Apache-2.0
#include "objects/watch.h"

#include <algorithm>

namespace roadstead::objects {
namespace {

constexpr std::size_t kEventsAtOnce = 100;
constexpr Duration kBookmarkEvery = std::chrono::minutes(1);
constexpr Duration kUnlessAsked = std::chrono::minutes(30);  // the API server: 30 to 60 minutes

Result<void> check(const WatchOptions& options) {
  const std::string& match = options.resource_version_match;
  const std::string field = "resourceVersionMatch";
  kube::FieldErrors errors;
  if (options.send_initial_events.has_value() && match != "NotOlderThan") {
    errors.push_back(kube::forbidden(
        field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (!options.send_initial_events.has_value() && !match.empty()) {
    errors.push_back(kube::forbidden(
        field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (!match.empty() && match != "NotOlderThan") {
    errors.push_back(kube::not_supported(field, json::value(match), {"NotOlderThan"}));
  }
  if (!options.continue_token.empty()) {
    errors.push_back(
        kube::forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
  }
  return errors.empty() ? Result<void>() : kube::invalid("meta.k8s.io", "ListOptions", "", errors);
}

}  // namespace

std::string_view to_string(WatchEventType type) {
  switch (type) {
    case WatchEventType::Added:
      return "ADDED";
    case WatchEventType::Modified:
      return "MODIFIED";
    case WatchEventType::Deleted:
      return "DELETED";
    case WatchEventType::Bookmark:
      return "BOOKMARK";
    case WatchEventType::Error:
      return "ERROR";
  }
  return "ERROR";
}

io::Task<Result<std::unique_ptr<Watch>>> Watch::open(ObjectApi& api, const Kind& kind,
                                                     WatchOptions options) {
  CO_TRY_VOID(check(options));
  CO_TRY(Selectors selectors,
         parse_selectors(kind, options.label_selector, options.field_selector));
  CO_TRY_VOID(co_await api.cache().catch_up());
  const std::string from = options.resource_version;
  const bool with_initial = options.send_initial_events.value_or(false);
  std::unique_ptr<Watch> watch(new Watch(api, kind, std::move(options), std::move(selectors)));
  if (from.empty() || from == "0" || with_initial) {
    // The state as it is now, then what comes.
    watch->initial_pending_ = true;
    watch->position_ = api.revision();
  } else {
    auto revision = parse_revision(from);
    if (!revision.ok()) {
      co_return kube::server_error("resourceVersion: Invalid value: " + kube::quote(from) +
                                   ": strconv.ParseUint: parsing " + kube::quote(from) +
                                   ": invalid syntax");
    }
    watch->position_ = *revision;
  }
  co_return watch;
}

Watch::Watch(ObjectApi& api, const Kind& kind, WatchOptions options, Selectors selectors)
    : api_(api),
      kind_(kind),
      options_(std::move(options)),
      selectors_(std::move(selectors)),
      changed_(api.cache().home()),
      timer_(api.cache().home()) {
  const MonotonicTime now = api_.cache().home().clock().now();
  end_ = now + (options_.timeout > Duration::zero() ? options_.timeout : kUnlessAsked);
  next_bookmark_ = now + kBookmarkEvery;
  api_.cache().of(kind_).listen(changed_);
}

Watch::~Watch() { api_.cache().of(kind_).unlisten(changed_); }

void Watch::stop() {
  over_ = true;
  changed_.pulse();
}

bool Watch::selects(const ObjectPtr& object) const {
  if (object == nullptr) {
    return false;
  }
  if (!options_.namespace_.empty() && object->key.namespace_ != options_.namespace_) {
    return false;
  }
  if (!options_.name.empty() && object->key.name != options_.name) {
    return false;
  }
  return selectors_.empty() || selectors_.matches(object->parse());
}

std::optional<WatchEvent> Watch::filter(const CacheEvent& event) const {
  const bool was = selects(event.previous);
  const bool is = !event.deleted && selects(event.object);
  WatchEvent out;
  out.object = event.object;
  if (is) {
    out.type = was ? WatchEventType::Modified : WatchEventType::Added;
    return out;
  }
  if (!was) {
    return std::nullopt;
  }
  out.type = WatchEventType::Deleted;
  if (!event.deleted) {
    // It left the selection: shown as it was, at the revision at which it left.
    out.object = make_object(event.previous->parse(), event.revision);
  }
  return out;
}

std::vector<WatchEvent> Watch::initial() {
  std::vector<WatchEvent> out;
  for (const auto& [path, object] : api_.cache().of(kind_).objects()) {
    if (selects(object)) {
      WatchEvent event;
      event.object = object;
      out.push_back(std::move(event));
    }
  }
  // Objects may be newer than when the watch was opened, but never older.
  position_ = api_.revision();
  if (options_.allow_bookmarks) {
    out.push_back(bookmark(true));
  }
  return out;
}

WatchEvent Watch::bookmark(bool end) const {
  WatchEvent event;
  event.type = WatchEventType::Bookmark;
  event.revision = position_;
  event.initial_events_end = end;
  return event;
}

void Watch::arm_timer() {
  const MonotonicTime when = options_.allow_bookmarks ? std::min(end_, next_bookmark_) : end_;
  timer_.arm_at(when, [this] { changed_.pulse(); });
}

io::Task<std::vector<WatchEvent>> Watch::next() {
  std::vector<WatchEvent> out;
  io::Executor& home = api_.cache().home();
  while (!over_ && !api_.cache().closed()) {
    if (initial_pending_) {
      initial_pending_ = false;
      out = initial();
      if (!out.empty()) {
        break;
      }
    }
    auto batch = co_await api_.cache().events(kind_, position_, kEventsAtOnce);
    if (!batch.ok()) {
      over_ = true;
      WatchEvent failed;
      failed.type = WatchEventType::Error;
      failed.error = batch.error().kind() == ErrorKind::Gone
                         ? kube::expired(batch.error().message())
                         : std::move(batch).error();
      out.push_back(std::move(failed));
      break;
    }
    position_ = std::max(position_, batch->up_to);
    for (const CacheEvent& event : batch->events) {
      if (auto selected = filter(event)) {
        out.push_back(std::move(*selected));
      }
    }
    if (!out.empty()) {
      break;
    }
    if (!batch->events.empty() || position_ < api_.revision()) {
      continue;  // none of these is selected, or more came meanwhile
    }
    const MonotonicTime now = home.clock().now();
    if (now >= end_) {
      over_ = true;
      break;
    }
    if (options_.allow_bookmarks && now >= next_bookmark_) {
      next_bookmark_ = now + kBookmarkEvery;
      out.push_back(bookmark(false));
      break;
    }
    arm_timer();
    co_await changed_.wait_next();
  }
  timer_.cancel();
  co_return out;
}

void begin_watch_line(WatchEventType type, std::string& out) {
  out.append("{\"type\":\"").append(to_string(type)).append("\",\"object\":");
}

std::string watch_line(WatchEventType type, std::string_view object) {
  std::string out;
  begin_watch_line(type, out);
  out.append(object).append("}");
  return out;
}

json::object bookmark_object(const Kind& kind, const WatchEvent& event) {
  json::object metadata;
  if (event.initial_events_end) {
    metadata["annotations"] = json::object{{"k8s.io/initial-events-end", "true"}};
  }
  metadata["resourceVersion"] = std::to_string(event.revision);
  return json::object{
      {"apiVersion", kind.api_version()}, {"kind", kind.kind}, {"metadata", std::move(metadata)}};
}

}  // namespace roadstead::objects
