// SPDX-License-Identifier: Apache-2.0
// H2Session over a net::Stream: one coroutine reads, one writes, one timer watches. Neither holds a
// buffer while it waits. See h2_session.h for the contract.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/h2_core.h"
#include "http/h2_ping.h"
#include "http/h2_session.h"
#include "io/event.h"
#include "io/task_group.h"

namespace roadstead::http {

class H2Driver final : public H2Session, private H2Listener {
 public:
  H2Driver(net::StreamPtr stream, Role role, H2Options options, Handler* handler);
  ~H2Driver() override;

  io::Task<Result<void>> run() override;
  using H2Session::open;
  Result<ClientExchangePtr> open(SharedRequestHead head, bool end) override;
  bool settings_received() const override { return core_.settings_received(); }
  io::Task<Result<void>> wait_settings() override;
  bool peer_allows_connect_protocol() const override;
  std::uint32_t peer_max_concurrent_streams() const override { return core_.peer_max_streams(); }
  void drain() override;
  bool draining() const override { return draining_ || core_.goaway_received(); }
  void close() override;
  std::size_t open_streams() const override { return core_.open_streams(); }
  std::size_t queued_bytes() const override { return core_.queued_bytes() + unsent_.size(); }
  Duration round_trip() const override { return pings_.last(); }
  MonotonicTime last_received() const override { return last_received_; }
  io::Task<Result<Duration>> ping() override;
  net::Stream& stream() override { return *stream_; }
  Connection& connection() override { return connection_; }

 private:
  enum class Turn : unsigned char { More, Wait, Full, End };
  enum class Flushed : unsigned char { Idle, Blocked, More, Failed };

  bool on_request(H2Stream& stream) override;
  void on_settings() override { settings_.set(); }
  void on_goaway() override {}
  void on_ping_answer(std::uint64_t number) override;
  void on_stream_closed() override;
  void on_output() override { writer_.wake(executor_); }

  io::Task<void> read_all();
  Turn read_turn();
  void after_receive();
  io::Task<void> write_all();
  Flushed flush();
  bool output_stuck() const;
  bool hand_over(std::span<const std::byte> bytes, std::size_t* taken);
  io::Task<void> end_politely();
  io::Task<void> serve(H2StreamRef stream);
  void end(std::optional<Error> failure);

  MonotonicTime now() const { return executor_.clock().now(); }
  std::uint64_t send_ping();
  void on_timer();
  bool check_peer(MonotonicTime now);
  void arm_timer();

  net::StreamPtr stream_;
  io::Executor& executor_;
  Role role_;
  H2Options options_;
  Handler* handler_;
  Connection connection_;
  H2Core core_;
  io::TaskGroup tasks_;  // the writer
  io::TaskGroup handlers_;

  std::string unsent_;  // gathered, but the stream below was full
  WaitSlot writer_;
  WaitSlot reader_held_;  // too many frames are queued

  io::Timer timer_;
  PingTracker pings_;
  io::Event settings_;
  io::Event pinged_;
  std::size_t outside_waiters_ = 0;
  MonotonicTime started_;
  MonotonicTime last_received_;
  MonotonicTime idle_since_;
  std::optional<MonotonicTime> goaway_at_;  // draining: the second step at the latest
  std::optional<MonotonicTime> linger_until_;
  std::uint64_t drain_ping_ = 0;
  bool draining_ = false;
  bool ended_ = false;
  std::optional<Error> failure_;
};

}  // namespace roadstead::http
