// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: the hub's side of lanes and of enrolment, on pipes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent_test_support.h"
#include "agent/hub.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {

// The hub's end of one lane: an HTTP/2 client with the control stream open.
class HubLane {
 public:
  HubLane(World& world, net::StreamPtr stream)
      : world_(world),
        group_(world.loop),
        session_(http::H2Session::create(std::move(stream), http::H2Session::Role::Client, {},
                                         nullptr)) {
    group_.spawn(run());
    group_.spawn(control());
  }
  ~HubLane() {
    session_->close();
    world_.loop.run_until_done(group_.join());
  }

  void say_hello() {
    tunnel::Hello hello;
    hello.cluster = "ack";
    hello.hub_instance = "hub-1";
    send(hello.to_json());
  }
  void send(const codec::json::object& message) {
    world_.loop.run_until_done(write(tunnel::frame_message(message)));
    world_.settle();
  }
  // Messages of that type received so far.
  std::vector<codec::json::object> messages(std::string_view type) const {
    std::vector<codec::json::object> out;
    for (const auto& m : received_) {
      if (tunnel::message_type(m) == type) {
        out.push_back(m);
      }
    }
    return out;
  }
  bool ended() const { return ended_; }
  http::H2Session& session() { return *session_; }

 private:
  io::Task<void> run() {
    static_cast<void>(co_await session_->run());
    ended_ = true;
  }
  io::Task<void> control() {
    if (!(co_await session_->wait_settings()).ok()) {
      co_return;
    }
    http::RequestHead head;
    head.method = "POST";
    head.scheme = tunnel::kControlScheme;
    head.authority = tunnel::kAuthority;
    head.target = tunnel::kControlPath;
    auto opened = session_->open(head, false);
    if (!opened.ok()) {
      co_return;
    }
    control_ = std::move(*opened);
    if (!(co_await control_->response()).ok()) {
      co_return;
    }
    tunnel::MessageReader reader;
    for (;;) {
      const auto bytes = co_await control_->read();
      if (!bytes.ok() || bytes->empty()) {
        break;
      }
      auto messages = reader.feed(*bytes);
      CHECK(messages.ok(), "control stream");
      for (auto& m : *messages) {
        received_.push_back(std::move(m));
      }
    }
    control_->reset();
  }
  io::Task<void> write(std::string bytes) {
    CHECK(control_ != nullptr, "no control stream yet");
    static_cast<void>(co_await control_->write(bytes));
  }

  World& world_;
  io::TaskGroup group_;
  std::unique_ptr<http::H2Session> session_;
  http::ClientExchangePtr control_;
  std::vector<codec::json::object> received_;
  bool ended_ = false;
};

class PipeHub final : public HubDialer {
 public:
  PipeHub(World& world, FunctionHandler::Function enrolment)
      : world_(world), enrolment_server(world, std::move(enrolment)) {}

  io::Task<Result<net::StreamPtr>> dial_lane(HubIdentityPtr identity) override {
    ++lane_dials;
    dial_times.push_back(world_.clock.now());
    serials.push_back(identity->certificate.serial_hex());
    if (lane_failure.has_value()) {
      co_return *lane_failure;
    }
    auto [mine, theirs] = net::make_pipe(world_.loop);
    lanes.push_back(std::make_unique<HubLane>(world_, std::move(theirs)));
    co_return std::move(mine);
  }
  io::Task<Result<net::StreamPtr>> dial_enrolment(net::HostPort, std::string) override {
    ++enrolment_dials;
    if (enrolment_failure.has_value()) {
      co_return *enrolment_failure;
    }
    co_return enrolment_server.connect();
  }

 private:
  World& world_;

 public:
  PipeServer enrolment_server;
  std::vector<std::unique_ptr<HubLane>> lanes;
  std::optional<Error> lane_failure;
  std::optional<Error> enrolment_failure;
  int lane_dials = 0;
  int enrolment_dials = 0;
  std::vector<MonotonicTime> dial_times;
  std::vector<std::string> serials;
};

}  // namespace roadstead::agent
