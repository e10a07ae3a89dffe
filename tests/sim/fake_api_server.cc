// SPDX-License-Identifier: Apache-2.0
#include "fake_api_server.h"

#include "io/sleep.h"

namespace roadstead::sim {

// A request is carried out when it has arrived whole, before its answer is on its way: that is what
// makes a lost answer ambiguous. Targets with "watch=" are answered with one line a second.
class FakeApiServer::Exchange final : public http::ClientExchange {
 public:
  Exchange(FakeApiServer& server, http::RequestHead head, bool end)
      : server_(server),
        target_(std::move(head.target)),
        arrived_(server.executor_),
        sleep_(server.executor_) {
    if (end) {
      arrived_.set();
    }
  }

  io::Task<Result<void>> write(std::string_view bytes) override {
    body_ += bytes;
    co_return Result<void>();
  }
  io::Task<Result<void>> finish(http::Headers) override {
    arrived_.set();
    co_return Result<void>();
  }
  io::Task<Result<http::ResponseHead>> response() override {
    while (!arrived_.is_set() && !reset_) {
      co_await arrived_.wait_next();
    }
    if (reset_) {
      co_return Error(ErrorKind::Cancelled, "reset");
    }
    ++server_.carried_out_[target_];
    const auto delay = static_cast<Duration::rep>(
        server_.random_.below(static_cast<std::uint64_t>(server_.longest_delay_.count()) + 1));
    if (!co_await sleep_.sleep(Duration(delay))) {
      co_return Error(ErrorKind::Cancelled, "reset");
    }
    http::ResponseHead head;
    head.status = 200;
    head.headers.add("content-type", "application/json");
    if (server_.pause_before_body_ > Duration()) {
      head.headers.add("content-length", std::to_string(answer().size()));
    }
    co_return head;
  }
  io::Task<Result<std::string>> read() override {
    if (target_.find("watch=") != std::string::npos) {
      if (!co_await sleep_.sleep(std::chrono::milliseconds(500))) {
        co_return Error(ErrorKind::Cancelled, "reset");
      }
      half_ = !half_;
      co_return half_ ? "{\"type\":\"MODIFIED\",\"object\":{\"n\":"
                      : std::to_string(++events_) + "}}\n";
    }
    if (reset_ || (server_.pause_before_body_ > Duration() && !answered_ &&
                   !co_await sleep_.sleep(server_.pause_before_body_))) {
      co_return Error(ErrorKind::Cancelled, "reset");
    }
    co_return std::exchange(answered_, true) ? std::string() : answer();
  }
  const http::Headers& trailers() const override { return none_; }
  bool not_processed() const override { return false; }
  void reset() override {
    reset_ = true;
    arrived_.pulse();
    sleep_.stop();
  }

 private:
  std::string answer() const { return "{\"echo\":\"" + body_ + "\"}"; }

  FakeApiServer& server_;
  std::string target_;
  io::Event arrived_;
  io::StoppableSleep sleep_;
  std::string body_;
  http::Headers none_;
  bool reset_ = false;
  bool answered_ = false;
  bool half_ = false;
  int events_ = 0;
};

io::Task<Result<http::ClientExchangePtr>> FakeApiServer::open(http::RequestHead head, bool end,
                                                              bool, Deadline) {
  last_headers_ = head.headers;
  if (head.target.starts_with(FakeObjects::kPath)) {
    co_return objects_.open(head);
  }
  co_return http::ClientExchangePtr(std::make_unique<Exchange>(*this, std::move(head), end));
}

io::Task<Result<http::ClientExchangePtr>> FakeApiServer::open_upgrade(http::RequestHead, Deadline) {
  co_return Error(ErrorKind::Unsupported, "no upgrades in the simulated world");
}

}  // namespace roadstead::sim
