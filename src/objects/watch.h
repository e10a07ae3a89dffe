// SPDX-License-Identifier: Apache-2.0
// One watch of one client: from a point in the history on, what it selects, with bookmarks. Holds a
// position, not a queue, so a slow client costs nothing; one that falls behind the history gets
// 410 Expired as its last event. Lives on the home of the object API.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "objects/object_api.h"

namespace roadstead::objects {

enum class WatchEventType : unsigned char { Added, Modified, Deleted, Bookmark, Error };
std::string_view to_string(WatchEventType type);

struct WatchEvent {
  WatchEventType type = WatchEventType::Added;
  ObjectPtr object;                 // none for Bookmark and Error
  Revision revision = 0;            // Bookmark
  bool initial_events_end = false;  // Bookmark: everything that existed has been sent
  std::optional<Error> error;       // Error; the watch is over
};

struct WatchOptions {
  std::string name;  // only this object; "" for all
  std::string namespace_;
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::string resource_version_match;
  std::string continue_token;
  std::optional<bool> send_initial_events;
  bool allow_bookmarks = false;
  Duration timeout = Duration::zero();  // zero: the server's choice
};

class Watch {
 public:
  // Fails on options that make no sense; whether the history reaches back is found out by next().
  static io::Task<Result<std::unique_ptr<Watch>>> open(ObjectApi& api, const Kind& kind,
                                                       WatchOptions options);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // The next events, at least one; empty: the watch is over.
  io::Task<std::vector<WatchEvent>> next();
  // Ends a pending next().
  void stop();

 private:
  Watch(ObjectApi& api, const Kind& kind, WatchOptions options, Selectors selectors);
  bool selects(const ObjectPtr& object) const;
  std::optional<WatchEvent> filter(const CacheEvent& event) const;
  std::vector<WatchEvent> initial();
  WatchEvent bookmark(bool end) const;
  void arm_timer();

  ObjectApi& api_;
  const Kind& kind_;
  WatchOptions options_;
  Selectors selectors_;
  io::Event changed_;
  io::Timer timer_;
  MonotonicTime end_;
  MonotonicTime next_bookmark_;
  Revision position_ = 0;
  bool initial_pending_ = false;
  bool over_ = false;
};

// Appends what comes before the object of a line.
void begin_watch_line(WatchEventType type, std::string& out);
// The line that goes to the client, without its line feed. `object` is the object's JSON.
std::string watch_line(WatchEventType type, std::string_view object);
// The object of a bookmark: kind and resourceVersion only.
json::object bookmark_object(const Kind& kind, const WatchEvent& event);

}  // namespace roadstead::objects
