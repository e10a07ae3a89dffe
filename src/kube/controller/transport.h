// SPDX-License-Identifier: Apache-2.0
// What a controller asks of an API server, whichever it is: the hub's own object API in the
// process, a member's through its tunnel, or a fake. JSON objects in and out; errors are those of
// kube/status.h, so Gone is 410 and Conflict is 409.
//
// Lives on the executor of who uses it. Its owner closes it before joining who waits in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "io/task.h"
#include "kube/object.h"
#include "kube/status.h"

namespace roadstead::kube {

struct Resource {
  std::string group;  // "" for the core group
  std::string version;
  std::string plural;
  bool namespaced = false;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  // "clusters.roadstead.io", "pods"
  std::string to_string() const { return group.empty() ? plural : plural + "." + group; }
  auto operator<=>(const Resource&) const = default;
};

// Which objects of a resource, and how much of them.
struct Selection {
  std::string namespace_;  // "" for all
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;  // apiVersion, kind and metadata without managedFields
};

struct ListRequest {
  Resource resource;
  Selection selection;
  std::size_t limit = 0;  // 0: all
  std::string continue_token;
};

struct ListPage {
  std::vector<json::value> items;
  std::string resource_version;
  std::string continue_token;  // "" on the last page
};

struct WatchRequest {
  Resource resource;
  Selection selection;
  std::string resource_version;
  Duration timeout{};  // after which the server ends it
};

enum class EventType : unsigned char { Added, Modified, Deleted, Bookmark };

struct WatchEvent {
  EventType type = EventType::Added;
  json::value object;  // of a Bookmark: metadata.resourceVersion only
};

class WatchStream {
 public:
  virtual ~WatchStream() = default;
  // The next events in order, at least one; none: the server ended the watch. An ERROR event is an
  // error: Gone when the version is too old.
  virtual io::Task<Result<std::vector<WatchEvent>>> next() = 0;
  // A pending next(), and every later one, ends.
  virtual void stop() = 0;
};

enum class Propagation : unsigned char { Background, Foreground, Orphan };

struct RemoveOptions {
  Propagation propagation = Propagation::Background;
  std::string uid;               // precondition; "" for none
  std::string resource_version;  // precondition; "" for none
};

class Transport {
 public:
  virtual ~Transport() = default;

  virtual io::Task<Result<ListPage>> list(ListRequest request) = 0;
  virtual io::Task<Result<std::unique_ptr<WatchStream>>> watch(WatchRequest request) = 0;

  virtual io::Task<Result<json::value>> get(Resource resource, ObjectKey key) = 0;
  virtual io::Task<Result<json::value>> create(Resource resource, json::value object) = 0;
  // `subresource`: "", "status", "finalize".
  virtual io::Task<Result<json::value>> replace(Resource resource, json::value object,
                                                std::string subresource) = 0;
  // A JSON merge patch (RFC 7386). With metadata.resourceVersion or uid in it, it is refused with
  // Conflict for another version or object.
  virtual io::Task<Result<json::value>> patch(Resource resource, ObjectKey key, json::value patch,
                                              std::string subresource) = 0;
  virtual io::Task<Result<void>> remove(Resource resource, ObjectKey key,
                                        RemoveOptions options) = 0;

  // Pending calls end soon and later ones fail at once, with Cancelled.
  virtual void close() = 0;
};

}  // namespace roadstead::kube
