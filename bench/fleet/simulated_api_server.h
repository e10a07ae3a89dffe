// SPDX-License-Identifier: Apache-2.0
// The member's API server of all simulated Agents, in memory: a watch stays open and gets events
// when told to, everything else is answered with a small object. Lives on its squad's shard.
#pragma once

#include <string>
#include <vector>

#include "agent/api_server_link.h"
#include "io/executor.h"

namespace roadstead::fleet {

class SimulatedApiServer final : public agent::ApiServerLink {
 public:
  explicit SimulatedApiServer(io::Executor& executor) : executor_(executor) {}

  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                 bool long_running, Deadline deadline) override;
  io::Task<Result<http::ClientExchangePtr>> open_upgrade(http::RequestHead head,
                                                         Deadline deadline) override;
  void credential_refused() override {}

  std::size_t watches() const { return watches_.size(); }
  // One event to the next watch in turn, with the time in it. False without a watch.
  bool emit();

 private:
  class Watch;
  io::Executor& executor_;
  std::vector<Watch*> watches_;
  std::size_t next_ = 0;
};

// Of an event made by emit(); nullopt when the line is none.
std::optional<WallTime> time_of_event(std::string_view line);

}  // namespace roadstead::fleet
