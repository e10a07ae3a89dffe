// SPDX-License-Identifier: Apache-2.0
// A member's API server as the Agent's Upstream sees it, in memory and on simulated time. Counts
// what it carried out, so that a test can say that nothing was done twice.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "agent/upstream.h"
#include "base/random.h"
#include "fake_objects.h"
#include "io/event.h"
#include "io/executor.h"

namespace roadstead::sim {

class FakeApiServer final : public agent::Upstream {
 public:
  FakeApiServer(io::Executor& executor, Random& random)
      : executor_(executor), random_(random), objects_(executor) {}

  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                 bool long_running, Deadline deadline) override;
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                         Deadline deadline) override;
  void credential_refused() override {}

  // What is below FakeObjects::kPath; everything else is answered with an echo.
  FakeObjects& objects() { return objects_; }
  // How often each request, told apart by its target, was carried out.
  const std::map<std::string, int>& carried_out() const { return carried_out_; }
  const http::Headers& last_headers() const { return last_headers_; }
  void set_delay(Duration longest) { longest_delay_ = longest; }
  // Between the head of an answer and its body, whose length the head then names.
  void set_pause_before_body(Duration pause) { pause_before_body_ = pause; }

 private:
  class Exchange;
  io::Executor& executor_;
  Random& random_;
  FakeObjects objects_;
  Duration longest_delay_ = std::chrono::milliseconds(20);
  Duration pause_before_body_{};
  std::map<std::string, int> carried_out_;
  http::Headers last_headers_;
};

}  // namespace roadstead::sim
