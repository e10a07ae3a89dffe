// SPDX-License-Identifier: Apache-2.0
#include "fake_objects.h"

#include "kube/query.h"
#include "kube/status.h"

namespace roadstead::sim {

class FakeObjects::ListExchange : public http::ClientExchange {
 public:
  ListExchange(int status, std::string body) : status_(status), body_(std::move(body)) {}

  io::Task<Result<void>> write(std::string_view) override { co_return Result<void>(); }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }
  io::Task<Result<http::ResponseHead>> response() override {
    http::ResponseHead head;
    head.status = status_;
    head.headers.add("content-type", "application/json");
    co_return head;
  }
  io::Task<Result<std::string>> read() override { co_return std::exchange(body_, {}); }
  const http::Headers& trailers() const override { return none_; }
  bool not_processed() const override { return false; }
  void reset() override {}

 private:
  int status_;
  std::string body_;
  http::Headers none_;
};

// Each event comes in two pieces, so that a lane can die in the middle of one.
class FakeObjects::WatchExchange final : public ListExchange {
 public:
  WatchExchange(FakeObjects& objects, std::uint64_t from)
      : ListExchange(200, ""), objects_(objects), position_(from) {}

  io::Task<Result<std::string>> read() override {
    for (;;) {
      if (reset_) {
        co_return Error(ErrorKind::Cancelled, "reset");
      }
      if (!rest_.empty()) {
        co_return std::exchange(rest_, {});
      }
      if (position_ < objects_.forgotten_) {
        if (std::exchange(told_, true)) {
          co_return std::string();
        }
        co_return "{\"type\":\"ERROR\",\"object\":" +
            codec::write_json(
                kube::to_json(kube::status_of(kube::expired("too old resource version")))) +
            "}\n";
      }
      for (const Event& event : objects_.events_) {
        if (event.version > position_) {
          position_ = event.version;
          rest_ = event.line.substr(event.line.size() / 2);
          co_return event.line.substr(0, event.line.size() / 2);
        }
      }
      co_await objects_.changed_.wait_next();
    }
  }
  void reset() override {
    reset_ = true;
    objects_.changed_.pulse();
  }

 private:
  FakeObjects& objects_;
  std::uint64_t position_;
  std::string rest_;
  bool told_ = false;
  bool reset_ = false;
};

std::string FakeObjects::json_of(const std::string& name) const {
  const Entry& entry = objects_.at(name);
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"n","name":")" + name +
         R"(","uid":"uid-)" + name + R"(","resourceVersion":")" + std::to_string(entry.version) +
         R"("},"data":{"value":")" + entry.value + R"("}})";
}

void FakeObjects::log(std::string_view type, const std::string& name) {
  objects_[name].version = ++version_;
  events_.push_back(
      {version_, "{\"type\":\"" + std::string(type) + "\",\"object\":" + json_of(name) + "}\n"});
}

void FakeObjects::put(const std::string& name, const std::string& value) {
  const bool there = objects_.contains(name);
  objects_[name].value = value;
  log(there ? "MODIFIED" : "ADDED", name);
  changed_.pulse();
}

void FakeObjects::remove(const std::string& name) {
  log("DELETED", name);
  objects_.erase(name);
  changed_.pulse();
}

void FakeObjects::forget_history() {
  events_.clear();
  forgotten_ = ++version_;
  changed_.pulse();
}

http::ClientExchangePtr FakeObjects::open(const http::RequestHead& head) {
  const auto query = kube::Query::parse(kube::split_target(head.target).second);
  if (query.get_bool("watch")) {
    ++watches_;
    return std::make_unique<WatchExchange>(*this,
                                           std::stoull(std::string(query.get("resourceVersion"))));
  }
  ++lists_;
  const std::size_t limit = query.find("limit") ? std::stoul(std::string(query.get("limit"))) : 0;
  std::string items;
  std::string token;
  std::size_t count = 0;
  for (auto it = objects_.upper_bound(std::string(query.get("continue"))); it != objects_.end();
       ++it) {
    if (limit > 0 && count == limit) {
      token = std::prev(it)->first;
      break;
    }
    items += (count++ == 0 ? "" : ",") + json_of(it->first);
  }
  return std::make_unique<ListExchange>(
      200, R"({"apiVersion":"v1","kind":"ConfigMapList","metadata":{"resourceVersion":")" +
               std::to_string(version_) + R"(","continue":")" + token + R"("},"items":[)" + items +
               "]}");
}

}  // namespace roadstead::sim
