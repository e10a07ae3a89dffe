// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/informer.h"

namespace roadstead::kube {

Informer::Informer(const ControllerParts& parts, Transport& transport, std::string name,
                   Resource resource, Selection selection, ReflectorOptions options)
    : resource_(resource),
      count_(parts.metrics.gauge("roadstead_informer_objects", "Objects that informers hold.",
                                 {{"informer", name}})),
      synced_changed_(parts.executor),
      reflector_(parts, transport, name, std::move(resource), std::move(selection), *this,
                 options) {}

void Informer::add_index(std::string name, IndexFunction function) {
  indexes_[std::move(name)].function = std::move(function);
}

void Informer::stop() {
  stopped_ = true;
  reflector_.stop();
  synced_changed_.pulse();
}

io::Task<bool> Informer::wait_synced() {
  while (!synced_ && !stopped_) {
    co_await synced_changed_.wait_next();
  }
  co_return synced_;
}

ObjectValue Informer::find(const ObjectKey& key) const {
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<ObjectValue> Informer::by_index(std::string_view index, std::string_view value) const {
  std::vector<ObjectValue> out;
  const auto it = indexes_.find(index);
  CHECK(it != indexes_.end(), "an informer was asked for an index that it does not have");
  if (const auto keys = it->second.keys.find(value); keys != it->second.keys.end()) {
    for (const ObjectKey& key : keys->second) {
      out.push_back(objects_.at(key));
    }
  }
  return out;
}

// What the list does not have was deleted while nobody watched.
void Informer::replace(std::vector<json::value> items) {
  std::map<ObjectKey, json::value> there;
  for (json::value& item : items) {
    ObjectKey key = key_of(item);
    if (!key.name.empty()) {
      there.insert_or_assign(std::move(key), std::move(item));
    }
  }
  std::vector<ObjectKey> gone;
  for (const auto& [key, object] : objects_) {
    if (!there.contains(key)) {
      gone.push_back(key);
    }
  }
  for (const ObjectKey& key : gone) {
    erase(key, objects_.at(key));
  }
  for (auto& [key, item] : there) {
    put(key, std::move(item));
  }
  if (!synced_) {
    synced_ = true;
    synced_changed_.pulse();
  }
}

void Informer::apply(EventType type, json::value object) {
  ObjectKey key = key_of(object);
  if (key.name.empty()) {
    return;
  }
  if (type == EventType::Deleted) {
    erase(key, std::make_shared<const json::value>(std::move(object)));
  } else {
    put(std::move(key), std::move(object));
  }
}

void Informer::put(ObjectKey key, json::value object) {
  const auto it = objects_.find(key);
  Change change;
  if (it != objects_.end()) {
    const json::value& before = *it->second;
    if (uid_of(before) != uid_of(object)) {
      erase(key, it->second);  // another object took the name
    } else if (const auto version = resource_version_of(object);
               !version.empty() && version == resource_version_of(before)) {
      return;
    } else {
      change.type = Change::Type::Updated;
      change.previous = it->second;
      index(key, before, false);
    }
  }
  change.object = std::make_shared<const json::value>(std::move(object));
  change.initial = !synced_;
  index(key, *change.object, true);
  objects_[key] = change.object;
  change.key = std::move(key);
  tell(change);
}

void Informer::erase(const ObjectKey& key, ObjectValue last) {
  const auto it = objects_.find(key);
  if (it == objects_.end()) {
    return;
  }
  Change change;
  change.type = Change::Type::Deleted;
  change.key = it->first;
  change.object = std::move(last);
  index(change.key, *it->second, false);
  objects_.erase(it);
  tell(change);
}

void Informer::index(const ObjectKey& key, const json::value& object, bool there) {
  for (auto& [name, index] : indexes_) {
    for (std::string& value : index.function(object)) {
      if (there) {
        index.keys[std::move(value)].insert(key);
      } else if (const auto it = index.keys.find(value); it != index.keys.end()) {
        it->second.erase(key);
        if (it->second.empty()) {
          index.keys.erase(it);
        }
      }
    }
  }
}

void Informer::tell(const Change& change) {
  count_.set(static_cast<std::int64_t>(objects_.size()));
  for (Handler& handler : handlers_) {
    handler(change);
  }
}

}  // namespace roadstead::kube
