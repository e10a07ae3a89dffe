// SPDX-License-Identifier: Apache-2.0
#include "simulated_api_server.h"

#include <charconv>

#include "io/event.h"

namespace roadstead::fleet {
namespace {

constexpr std::string_view kStamp = R"("stamp":")";
constexpr std::size_t kFilling = 500;  // so that an event is as large as one of a small object

std::string event_line(WallTime now) {
  return R"({"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a",)" +
         std::string(kStamp) + std::to_string(now.time_since_epoch().count()) +
         R"(","annotations":{"filling":")" + std::string(kFilling, 'f') + "\"}}}}\n";
}

class Whole final : public http::ClientExchange {
 public:
  io::Task<Result<http::ResponseHead>> response() override {
    http::ResponseHead head{200, {}};
    head.headers.add("content-type", "application/json");
    co_return head;
  }
  io::Task<Result<std::string>> read() override { co_return std::exchange(body_, ""); }
  io::Task<Result<void>> write(std::string_view) override { co_return Result<void>(); }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }
  const http::Headers& trailers() const override { return trailers_; }
  bool not_processed() const override { return false; }
  void reset() override {}

 private:
  http::Headers trailers_;
  std::string body_ = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}})";
};

}  // namespace

class SimulatedApiServer::Watch final : public http::ClientExchange {
 public:
  explicit Watch(SimulatedApiServer& server)
      : server_(server), place_(server.watches_.size()), changed_(server.executor_) {
    server_.watches_.push_back(this);
  }
  ~Watch() override {
    Watch* const last = server_.watches_.back();
    server_.watches_[place_] = last;
    last->place_ = place_;
    server_.watches_.pop_back();
  }

  void add(std::string event) {
    waiting_ += event;
    changed_.pulse();
  }

  io::Task<Result<http::ResponseHead>> response() override {
    http::ResponseHead head{200, {}};
    head.headers.add("content-type", "application/json");
    co_return head;
  }
  io::Task<Result<std::string>> read() override {
    while (waiting_.empty() && !ended_) {
      co_await changed_.wait();
    }
    if (ended_) {
      co_return Error(ErrorKind::Cancelled, "the watch was reset");
    }
    co_return std::exchange(waiting_, "");
  }
  io::Task<Result<void>> write(std::string_view) override { co_return Result<void>(); }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }
  const http::Headers& trailers() const override { return trailers_; }
  bool not_processed() const override { return false; }
  void reset() override {
    ended_ = true;
    changed_.pulse();
  }

 private:
  SimulatedApiServer& server_;
  std::size_t place_;
  io::Event changed_;
  std::string waiting_;
  http::Headers trailers_;
  bool ended_ = false;
};

io::Task<Result<http::ClientExchangePtr>> SimulatedApiServer::open(http::RequestHead, bool,
                                                                   bool long_running, Deadline) {
  if (long_running) {
    co_return http::ClientExchangePtr(std::make_unique<Watch>(*this));
  }
  co_return http::ClientExchangePtr(std::make_unique<Whole>());
}

io::Task<Result<http::ClientExchangePtr>> SimulatedApiServer::open_upgrade(http::RequestHead,
                                                                           Deadline) {
  co_return Error(ErrorKind::Unsupported, "no upgrades here");
}

bool SimulatedApiServer::emit() {
  if (watches_.empty()) {
    return false;
  }
  next_ = (next_ + 1) % watches_.size();
  watches_[next_]->add(event_line(executor_.clock().wall()));
  return true;
}

std::optional<WallTime> time_of_event(std::string_view line) {
  const std::size_t at = line.find(kStamp);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view text = line.substr(at + kStamp.size());
  Duration::rep count = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc()) {
    return std::nullopt;
  }
  return WallTime(Duration(count));
}

}  // namespace roadstead::fleet
