// SPDX-License-Identifier: Apache-2.0
// An API server with one resource in memory, for tests of what stands on a Transport: it breaks,
// ends and expires on command and remembers what it was asked. Writes are done by the test.
#pragma once

#include <deque>
#include <set>

#include "io/event.h"
#include "kube/controller/transport.h"

namespace roadstead::kube {

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(io::Executor& executor) : changed_(executor) {}

  // Creates or changes.
  void put(const std::string& name, json::object spec = {}, const std::string& uid = "") {
    const bool there = objects_.contains(name);
    const std::string id = uid.empty() ? "uid-" + name : uid;
    json::value object{{"metadata", {{"name", name}, {"uid", id}}}, {"spec", std::move(spec)}};
    record(there ? EventType::Modified : EventType::Added, name, std::move(object));
  }
  void remove(const std::string& name) {
    record(EventType::Deleted, name, objects_.at(name));
    objects_.erase(name);
  }
  void bookmark() {
    ++version_;
    log_.push_back({version_, EventType::Bookmark, json::object{{"metadata", json::object()}}});
    stamp(log_.back().object, version_);
    changed_.pulse();
  }
  // Forgets the history: older versions are too old from now on.
  void compact() {
    log_.clear();
    compacted_ = version_;
    changed_.pulse();
  }
  void break_watches(Error error) {
    broken_ = std::move(error);
    ++generation_;
    changed_.pulse();
  }
  void end_watches() {
    broken_.reset();
    ++generation_;
    changed_.pulse();
  }
  // What the next calls of list() and watch() answer, in order.
  void fail_next(Error error) { failures_.push_back(std::move(error)); }
  void expire_continue_tokens() { tokens_expire_ = true; }

  std::vector<std::string> asked;  // "list", "list continue", "watch 12"

  io::Task<Result<ListPage>> list(ListRequest request) override {
    asked.emplace_back(request.continue_token.empty() ? "list" : "list continue");
    if (auto failed = take_failure()) {
      co_return std::move(*failed);
    }
    if (!request.continue_token.empty() && tokens_expire_) {
      co_return expired("The provided continue parameter is too old");
    }
    ListPage page;
    page.resource_version = std::to_string(version_);
    for (auto it = objects_.upper_bound(request.continue_token); it != objects_.end(); ++it) {
      if (request.limit > 0 && page.items.size() == request.limit) {
        page.continue_token = std::string(name_of(page.items.back()));
        break;
      }
      page.items.push_back(it->second);
    }
    co_return page;
  }

  io::Task<Result<std::unique_ptr<WatchStream>>> watch(WatchRequest request) override {
    asked.emplace_back("watch " + request.resource_version);
    if (auto failed = take_failure()) {
      co_return std::move(*failed);
    }
    co_return std::make_unique<Stream>(*this, std::stoull(request.resource_version));
  }

  io::Task<Result<json::value>> get(Resource, ObjectKey) override { co_return unsupported(); }
  io::Task<Result<json::value>> create(Resource, json::value) override { co_return unsupported(); }
  io::Task<Result<json::value>> replace(Resource, json::value, std::string) override {
    co_return unsupported();
  }
  io::Task<Result<json::value>> patch(Resource, ObjectKey, json::value, std::string) override {
    co_return unsupported();
  }
  io::Task<Result<void>> remove(Resource, ObjectKey, RemoveOptions) override {
    co_return unsupported();
  }
  void close() override { break_watches(Error(ErrorKind::Cancelled, "closed")); }

 private:
  struct Entry {
    std::uint64_t version;
    EventType type;
    json::value object;
  };
  class Stream final : public WatchStream {
   public:
    Stream(FakeTransport& server, std::uint64_t from)
        : server_(server), position_(from), generation_(server.generation_) {}

    io::Task<Result<std::vector<WatchEvent>>> next() override {
      for (;;) {
        if (stopped_) {
          co_return Error(ErrorKind::Cancelled, "stopped");
        }
        if (generation_ != server_.generation_) {
          if (server_.broken_.has_value()) {
            co_return *server_.broken_;
          }
          co_return std::vector<WatchEvent>();
        }
        if (position_ < server_.compacted_) {
          co_return expired("too old resource version");
        }
        for (const Entry& entry : server_.log_) {
          if (entry.version > position_) {
            position_ = entry.version;
            std::vector<WatchEvent> out;
            out.push_back({entry.type, entry.object});
            co_return out;
          }
        }
        co_await server_.changed_.wait_next();
      }
    }
    void stop() override {
      stopped_ = true;
      server_.changed_.pulse();
    }

   private:
    FakeTransport& server_;
    std::uint64_t position_;
    int generation_;
    bool stopped_ = false;
  };

  static Error unsupported() { return {ErrorKind::Unsupported, "not in this fake"}; }
  static void stamp(json::value& object, std::uint64_t version) {
    metadata_of(object.get_object())["resourceVersion"] = std::to_string(version);
  }
  void record(EventType type, const std::string& name, json::value object) {
    ++version_;
    stamp(object, version_);
    objects_[name] = object;
    log_.push_back({version_, type, std::move(object)});
    changed_.pulse();
  }
  std::optional<Error> take_failure() {
    if (failures_.empty()) {
      return std::nullopt;
    }
    std::optional<Error> out(std::move(failures_.front()));
    failures_.pop_front();
    return out;
  }

  io::Event changed_;
  std::map<std::string, json::value> objects_;
  std::vector<Entry> log_;
  std::deque<Error> failures_;
  std::optional<Error> broken_;
  std::uint64_t version_ = 10;
  std::uint64_t compacted_ = 0;
  int generation_ = 0;
  bool tokens_expire_ = false;
};

}  // namespace roadstead::kube
