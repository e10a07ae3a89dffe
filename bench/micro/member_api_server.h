// SPDX-License-Identifier: Apache-2.0
// The API server at the far end of the request benchmarks: answers at once, with what one is asked
// for. Lives on the shard of its connection.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.h"
#include "io/event.h"

namespace roadstead::bench {

inline constexpr std::size_t kObjectBytes = 600;
inline constexpr std::size_t kEventBytes = 1024;

class MemberApiServer final : public http::Handler {
 public:
  explicit MemberApiServer(io::Executor& executor) : emitted_more_(executor) {}

  // A watch gets events; a log as many bytes as download_bytes() says; a write is read to its end;
  // everything else is answered as `kubectl get` of one small object.
  io::Task<void> handle(http::ServerExchange& exchange) override;

  void set_download_bytes(std::size_t bytes) { download_bytes_ = bytes; }
  // One event for each watch that is open.
  void emit();

 private:
  io::Task<void> send_object(http::ServerExchange& exchange);
  io::Task<void> send_log(http::ServerExchange& exchange);
  io::Task<void> take_write(http::ServerExchange& exchange);
  io::Task<void> send_events(http::ServerExchange& exchange);

  io::Event emitted_more_;
  std::uint64_t emitted_ = 0;
  std::size_t download_bytes_ = 0;
  const std::string object_ = std::string(kObjectBytes, 'b');
  const std::string event_ = std::string(kEventBytes - 1, 'e') + '\n';
  const std::string piece_ = std::string(64 * 1024, 'p');
};

}  // namespace roadstead::bench
