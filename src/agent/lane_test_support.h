// SPDX-License-Identifier: Apache-2.0
// A lane for tests: a hub's HTTP/2 client, LaneServer and Forwarder, an API server, on pipes.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "agent/lane.h"
#include "agent/pipe_hub_test_support.h"

namespace roadstead::agent {

struct Seen {
  http::RequestHead head;
  std::string body;
};

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  bool failed = false;
  bool not_processed = false;

  std::string header(std::string_view name) const {
    const std::string* value = headers.find(name);
    return value != nullptr ? *value : "";
  }
};

class LaneTest : public ::testing::Test, public LaneObserver {
 protected:
  LaneTest() {
    Credentials c = test_credentials(hub_ca_, user_ca_);
    enrol_by_hand(c, hub_ca_);
    auto identity = HubIdentity::make(c, std::nullopt);
    CHECK(identity.ok(), identity.ok() ? "" : identity.error().message());
    trust_ = (*identity)->trust;
    lane_ = std::make_unique<Lane>(environment_, *this, *identity, trust_, "primary", 1);
    group_.spawn(run());
    world_.settle();
    hub_.lanes.at(0)->say_hello();
    world_.settle();
  }
  ~LaneTest() override {
    lane_->close();
    world_.loop.run_until_done(group_.join());
    hub_.lanes.clear();
  }

  tunnel::Hello hello(const Lane& lane) override {
    tunnel::Hello hello;
    hello.replica = "pod-1";
    hello.lane_purpose = lane.purpose();
    return hello;
  }
  tunnel::ApiServerReport report() override { return {}; }
  void on_lane_ready(Lane&) override { ++ready_; }
  void on_lane_message(Lane&, const codec::json::object& message) override {
    others_.push_back(message);
  }

  io::Task<void> run() { ended_ = co_await lane_->run(); }

  io::Task<void> serve_api(http::ServerExchange& exchange) {
    Seen seen{exchange.request(), {}};
    if (!exchange.request_ended() && !upgrade_asked(exchange.request())) {
      auto body = co_await http::read_whole(exchange, 1 << 20);
      seen.body = body.ok() ? *body : "failed";
    }
    seen_.push_back(std::move(seen));
    if (api_) {
      co_await api_(exchange);
    } else {
      co_await reply(exchange, 200, "hello");
    }
  }
  static bool upgrade_asked(const http::RequestHead& head) { return head.headers.has("upgrade"); }

  // Opens a context for the user, as the Stub does; gives the answer's status and the field.
  int admit(const crypto::Certificate& user, std::uint64_t number, std::string* field,
            std::string_view audience = kClusterUid) {
    auto context = tunnel::make_context(number, {user}, audience, {});
    CHECK(context.ok(), "context");
    *field = context->field_value();
    http::RequestHead head;
    head.method = "POST";
    head.scheme = tunnel::kControlScheme;
    head.authority = tunnel::kAuthority;
    head.target = tunnel::kIdentityPath;
    return send(std::move(head), codec::write_json(context->to_json())).status;
  }
  http::RequestHead request(std::string method, std::string target, http::Headers headers = {}) {
    http::RequestHead head;
    head.method = std::move(method);
    head.scheme = tunnel::kUserScheme;
    head.authority = tunnel::kAuthority;
    head.target = std::move(target);
    head.headers = std::move(headers);
    if (!field_.empty()) {
      head.headers.add("rs-identity", field_);
    }
    return head;
  }
  void be(std::string login, std::vector<std::string> organizations = {}) {
    ASSERT_EQ(admit(user_ca_.user(std::move(login), std::move(organizations)), ++number_, &field_),
              200);
  }

  Answer send(http::RequestHead head, std::string body = {}) {
    Answer answer;
    world_.loop.run_until_done(converse(std::move(head), std::move(body), answer),
                               std::chrono::minutes(2));
    return answer;
  }
  io::Task<void> converse(http::RequestHead head, std::string body, Answer& answer) {
    const bool end = body.empty() && head.method != "CONNECT";
    auto opened = hub_.lanes.front()->session().open(std::move(head), end);
    CHECK(opened.ok(), "open");
    if (!body.empty()) {
      static_cast<void>(co_await (*opened)->write(body));
      static_cast<void>(co_await (*opened)->finish());
    }
    auto response = co_await (*opened)->response();
    answer.failed = !response.ok();
    answer.not_processed = (*opened)->not_processed();
    if (!response.ok()) {
      co_return;
    }
    answer.status = response->status;
    answer.headers = response->headers;
    auto text = co_await http::read_whole(**opened, 1 << 20);
    answer.failed = !text.ok();
    answer.body = text.ok() ? *text : text.error().message();
  }

  World world_;
  TestCa hub_ca_{world_, "hub"};
  TestCa user_ca_{world_, "users"};
  std::vector<Seen> seen_;
  std::function<io::Task<void>(http::ServerExchange&)> api_;
  PipeApiServer api_server_{world_, [this](http::ServerExchange& e) { return serve_api(e); }};
  PipeHub hub_{world_, [](http::ServerExchange& e) { return reply(e, 404, ""); }};
  UserUpstream upstream_{api_server_};
  Forwarder forwarder_{upstream_, world_.clock, world_.metrics, {}};
  http::BufferBudget buffers_{1 << 20};
  LaneEnvironment environment_{world_.loop, hub_, forwarder_, buffers_, {}, {}};
  std::shared_ptr<const PinnedTrust> trust_;
  std::unique_ptr<Lane> lane_;
  io::TaskGroup group_{world_.loop};
  std::optional<Result<void>> ended_;
  int ready_ = 0;
  std::vector<codec::json::object> others_;
  std::string field_;
  std::uint64_t number_ = 0;
};

}  // namespace roadstead::agent
