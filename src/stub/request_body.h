// SPDX-License-Identifier: Apache-2.0
// A user's request body that can be sent to a second lane when the first did not process the
// request: what was read is kept while it is at most 64 KiB. One reader task owns the exchange's
// reading side, so that giving up an attempt never loses bytes that were on their way.
// Lives on the user connection's shard, as long as the request.
#pragma once

#include <string>

#include "http/message.h"
#include "io/event.h"
#include "io/task_group.h"

namespace roadstead::stub {

class RequestBody {
 public:
  static constexpr std::size_t kReplayLimit = 64 * 1024;

  explicit RequestBody(http::ServerExchange& exchange)
      : exchange_(exchange), wanted_(exchange.executor()), arrived_(exchange.executor()) {}

  // Reads on behalf of the attempts until the end or stop(). Spawned once by the request.
  io::Task<void> run();
  void stop();

  // True while a new attempt could send the body again from its start.
  bool replayable() const { return !overflowed_; }
  std::uint64_t bytes() const { return total_; }

  // One attempt's view. Only one at a time; it starts at the first byte.
  class Attempt final : public http::BodySource {
   public:
    explicit Attempt(RequestBody& body) : body_(body) {}
    io::Task<Result<std::string>> read() override;
    const http::Headers& trailers() const override { return body_.exchange_.trailers(); }
    void cancel();

   private:
    RequestBody& body_;
    std::size_t position_ = 0;  // in the kept bytes
    bool cancelled_ = false;
  };

 private:
  http::ServerExchange& exchange_;
  io::Event wanted_;
  io::Event arrived_;
  std::string kept_;      // everything so far, while it fits
  std::string overflow_;  // the chunk in hand once it does not
  bool overflowed_ = false;
  bool want_more_ = false;
  bool ended_ = false;
  bool stopped_ = false;
  std::uint64_t total_ = 0;
  std::optional<Error> failure_;
};

}  // namespace roadstead::stub
