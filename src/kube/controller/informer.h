// SPDX-License-Identifier: Apache-2.0
// What is known of one resource: its objects by key and by index, kept by a Reflector, and its
// changes told in order to handlers (k8s.io/client-go/tools/cache, SharedIndexInformer). Handlers
// run inside the change, on the informer's executor, and must not wait: there is no queue between,
// so nothing can pile up there. The owner runs it, stops it and joins.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/unique_function.h"
#include "io/event.h"
#include "kube/controller/reflector.h"

namespace roadstead::kube {

// Immutable and shared.
using ObjectValue = std::shared_ptr<const json::value>;

struct Change {
  enum class Type : unsigned char { Added, Updated, Deleted };
  Type type = Type::Added;
  ObjectKey key;
  ObjectValue object;    // of a deletion: the last state that was seen
  ObjectValue previous;  // of an update
  bool initial = false;  // it was there when the informer began
};

class Informer final : private ReflectorSink {
 public:
  using Handler = UniqueFunction<void(const Change&)>;
  // The values under which an object is found.
  using IndexFunction = std::function<std::vector<std::string>(const json::value&)>;

  Informer(const ControllerParts& parts, Transport& transport, std::string name, Resource resource,
           Selection selection = {}, ReflectorOptions options = {});

  // Before run().
  void add_index(std::string name, IndexFunction function);
  void add_handler(Handler handler) { handlers_.push_back(std::move(handler)); }

  io::Task<void> run() { return reflector_.run(); }
  void stop();

  const Resource& resource() const { return resource_; }
  bool has_synced() const { return synced_; }
  // False when stopped before.
  io::Task<bool> wait_synced();

  ObjectValue find(const ObjectKey& key) const;
  const std::map<ObjectKey, ObjectValue>& objects() const { return objects_; }
  std::vector<ObjectValue> by_index(std::string_view index, std::string_view value) const;
  const std::string& resource_version() const { return reflector_.resource_version(); }

 private:
  struct Index {
    IndexFunction function;
    std::map<std::string, std::set<ObjectKey>, std::less<>> keys;
  };
  void replace(std::vector<json::value> items) override;
  void apply(EventType type, json::value object) override;
  void put(ObjectKey key, json::value object);
  void erase(const ObjectKey& key, ObjectValue last);
  void index(const ObjectKey& key, const json::value& object, bool there);
  void tell(const Change& change);

  Resource resource_;
  std::map<ObjectKey, ObjectValue> objects_;
  std::map<std::string, Index, std::less<>> indexes_;
  std::vector<Handler> handlers_;
  telemetry::Gauge& count_;
  bool synced_ = false;
  bool stopped_ = false;
  io::Event synced_changed_;
  Reflector reflector_;
};

}  // namespace roadstead::kube
