// SPDX-License-Identifier: Apache-2.0
// The body of a watch in JSON: one event a line. Owned by who reads it; lives on its executor.
#pragma once

#include <string>

#include "http/message.h"
#include "io/sleep.h"
#include "kube/controller/transport.h"

namespace roadstead::kube {

class RestWatch final : public WatchStream {
 public:
  // The exchange's head has been read. After `deadline` it is taken for dead.
  RestWatch(io::Executor& executor, http::ClientExchangePtr exchange, bool metadata_only,
            Deadline deadline)
      : exchange_(std::move(exchange)),
        metadata_only_(metadata_only),
        guard_(executor, deadline, [this] { exchange_->reset(); }) {}

  io::Task<Result<std::vector<WatchEvent>>> next() override;
  void stop() override;

  static constexpr std::size_t kMaxEvent = 8u << 20;

 private:
  Result<std::vector<WatchEvent>> take_lines();
  Result<WatchEvent> read_event(std::string_view line) const;

  http::ClientExchangePtr exchange_;
  bool metadata_only_;
  bool stopped_ = false;
  std::string held_;  // an event that is not complete
  std::size_t searched_ = 0;
  io::DeadlineGuard guard_;
};

// An answer that is no success, as an error.
Error error_of_answer(int http_status, std::string_view body);

}  // namespace roadstead::kube
