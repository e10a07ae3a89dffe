// SPDX-License-Identifier: Apache-2.0
// Moving bodies. From one exchange to another one chunk is in hand at a time, so a slow reader
// stops its own writer and nobody else (docs/design/flow-control.md); small ones go in one piece.
#pragma once

#include <cstdint>
#include <optional>

#include "http/message.h"

namespace roadstead::http {

struct RelayOutcome {
  enum class End : unsigned char { Finished, SourceFailed, SinkFailed };
  End end = End::Finished;
  std::optional<Error> error;
  std::uint64_t bytes = 0;
};

// A request's trailers are dropped: they would be fields that nobody has looked at.
enum class Trailers : unsigned char { Pass, Drop };

// Until the source's end, which becomes the sink's end. Both outlive the task.
io::Task<RelayOutcome> relay(BodySource& from, BodySink& to, Trailers trailers = Trailers::Pass);

// The whole body, or PayloadTooLarge beyond `limit` bytes.
io::Task<Result<std::string>> read_whole(BodySource& body, std::size_t limit);

// An answer that is complete: adds its length, leaves the body out for HEAD and where HTTP has none
// (RFC 9110, 6.4.1). A peer that has gone is no error. `body` outlives the task.
io::Task<void> send_whole(ServerExchange& exchange, ResponseHead head, std::string_view body);

// Registers an abort callback for as long as it lives.
class AbortHook {
 public:
  AbortHook(ServerExchange& exchange, UniqueFunction<void()> callback) : exchange_(exchange) {
    exchange_.on_abort(std::move(callback));
  }
  ~AbortHook() { exchange_.on_abort(nullptr); }
  AbortHook(const AbortHook&) = delete;
  AbortHook& operator=(const AbortHook&) = delete;

 private:
  ServerExchange& exchange_;
};

}  // namespace roadstead::http
