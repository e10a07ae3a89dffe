// SPDX-License-Identifier: Apache-2.0
#include "http/h2_driver.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "base/release.h"
#include "http/h2_exchange.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;
constexpr std::size_t kReadTurn = 256 * 1024;  // then others of the shard have their turn
constexpr int kFlushTurn = 4;                  // gathers, likewise
// Control frames and heads that wait to be sent. A peer that sends what must be answered but does
// not read the answers is not read from beyond this.
constexpr std::size_t kMaxQueuedFrames = 1024;

std::size_t max_handlers(const H2Options& options) {
  // Handlers of streams that the peer reset run on for a moment, hence more than the stream limit.
  return 2 * static_cast<std::size_t>(options.max_concurrent_streams) + 16;
}

}  // namespace

std::unique_ptr<H2Session> H2Session::create(net::StreamPtr stream, Role role, H2Options options,
                                             Handler* handler) {
  CHECK(role == Role::Client || handler != nullptr, "the server role needs a handler");
  return std::make_unique<H2Driver>(std::move(stream), role, options, handler);
}

H2Driver::H2Driver(net::StreamPtr stream, Role role, H2Options options, Handler* handler)
    : stream_(std::move(stream)),
      executor_(stream_->executor()),
      role_(role),
      options_(options),
      handler_(handler),
      connection_{stream_->tls(), stream_->peer_address(), nullptr},
      core_(role, options_, executor_, *this),
      tasks_(executor_),
      handlers_(executor_),
      timer_(executor_),
      settings_(executor_),
      pinged_(executor_) {}

H2Driver::~H2Driver() { end(std::nullopt); }

io::Task<Result<void>> H2Driver::run() {
  started_ = last_received_ = idle_since_ = now();
  arm_timer();
  tasks_.spawn(write_all());
  co_await read_all();
  co_await tasks_.join();
  co_await handlers_.join();
  while (outside_waiters_ > 0) {
    co_await executor_.yield();
  }
  if (failure_.has_value()) {
    co_return *failure_;
  }
  co_return Result<void>();
}

Result<ClientExchangePtr> H2Driver::open(SharedRequestHead head, bool end) {
  if (ended_ || draining_) {
    return Error(ErrorKind::Unavailable, "the connection is closing");
  }
  core_.follow_budget();
  TRY(H2StreamRef stream, core_.open(std::move(head), end));
  return ClientExchangePtr(std::make_unique<H2ClientExchange>(std::move(stream), options_));
}

bool H2Driver::peer_allows_connect_protocol() const {
  return !ended_ && core_.peer_allows_connect_protocol();
}

io::Task<Result<void>> H2Driver::wait_settings() {
  ++outside_waiters_;
  while (!core_.settings_received() && !ended_) {
    co_await settings_.wait();
  }
  --outside_waiters_;
  if (ended_) {
    co_return failure_.value_or(Error(ErrorKind::Network, "the connection has ended"));
  }
  co_return Result<void>();
}

bool H2Driver::on_request(H2Stream& stream) {
  if (handlers_.running() >= max_handlers(options_)) {
    return false;
  }
  handlers_.spawn(serve(H2StreamRef(&stream)));
  return true;
}

io::Task<void> H2Driver::serve(H2StreamRef stream) {
  H2ServerExchange exchange(std::move(stream), options_, connection_);
  co_await handler_->handle(exchange);
}

void H2Driver::on_stream_closed() {
  if (core_.open_streams() > 0 || ended_) {
    return;
  }
  idle_since_ = now();
  if (!timer_.armed()) {
    arm_timer();
  }
  // nghttp2 may have nothing more to say; the writer looks.
  writer_.wake(executor_);
}

io::Task<void> H2Driver::read_all() {
  while (!ended_) {
    switch (read_turn()) {
      case Turn::More:
        co_await executor_.yield();
        break;
      case Turn::Full:
        co_await reader_held_.wait();
        break;
      case Turn::End:
        break;
      case Turn::Wait: {
        const auto ready = co_await stream_->readable();
        if (!ready.ok()) {
          end(ready.error());
        }
        break;
      }
    }
  }
}

H2Driver::Turn H2Driver::read_turn() {
  std::array<std::byte, kReadBuffer> buffer;
  for (std::size_t total = 0; total < kReadTurn;) {
    const net::IoOutcome outcome = stream_->try_read(buffer);
    switch (outcome.status) {
      case net::IoStatus::Done:
        break;
      case net::IoStatus::WouldBlock:
        if (total > 0) {
          after_receive();
        }
        return Turn::Wait;
      case net::IoStatus::EndOfStream:
        if (core_.protocol_error().has_value()) {
          end(core_.protocol_error());
        } else if (core_.open_streams() > 0) {
          end(Error(ErrorKind::Network, "the peer ended the connection with streams open"));
        } else {
          end(std::nullopt);
        }
        return Turn::End;
      case net::IoStatus::Failed:
        end(stream_->last_error());
        return Turn::End;
    }
    total += outcome.bytes;
    const auto received = core_.receive(std::span(buffer).first(outcome.bytes));
    if (!received.ok()) {
      end(received.error());
      return Turn::End;
    }
    if (core_.queued_frames() > kMaxQueuedFrames) {
      break;  // the writer goes first
    }
  }
  after_receive();
  return output_stuck() ? Turn::Full : Turn::More;
}

bool H2Driver::output_stuck() const {
  return !unsent_.empty() && core_.queued_frames() > kMaxQueuedFrames;
}

void H2Driver::after_receive() {
  last_received_ = now();
  core_.follow_budget();
  if (core_.take_round_trip_wish() && !pings_.in_flight() &&
      (pings_.last() == Duration::zero() ||
       last_received_ - pings_.sent_at() > std::chrono::seconds(1))) {
    send_ping();
  }
  if (core_.wants_output() || core_.finished()) {
    writer_.wake(executor_);
  }
}

io::Task<void> H2Driver::write_all() {
  while (!ended_) {
    const Flushed flushed = flush();
    if (!output_stuck()) {
      reader_held_.wake(executor_);
    }
    switch (flushed) {
      case Flushed::More:
        co_await executor_.yield();
        break;
      case Flushed::Blocked: {
        const auto ready = co_await stream_->writable();
        if (!ready.ok()) {
          end(ready.error());
        }
        break;
      }
      case Flushed::Failed:
        break;
      case Flushed::Idle:
        if (core_.finished()) {
          co_await end_politely();
          co_return;
        }
        co_await writer_.wait();
        break;
    }
  }
}

H2Driver::Flushed H2Driver::flush() {
  if (!unsent_.empty()) {
    std::size_t taken = 0;
    const bool alive = hand_over(std::as_bytes(std::span(unsent_)), &taken);
    unsent_.erase(0, taken);
    if (!alive) {
      return Flushed::Failed;
    }
    if (!unsent_.empty()) {
      return Flushed::Blocked;
    }
    release(unsent_);  // an idle session holds no buffer
  }
  std::array<std::byte, H2Core::kGatherRoom> buffer;
  for (int i = 0; i < kFlushTurn; ++i) {
    const auto gathered = core_.gather(buffer);
    if (!gathered.ok()) {
      end(gathered.error());
      return Flushed::Failed;
    }
    if (*gathered == 0) {
      return Flushed::Idle;
    }
    std::size_t taken = 0;
    if (!hand_over(std::span(buffer).first(*gathered), &taken)) {
      return Flushed::Failed;
    }
    if (taken < *gathered) {
      unsent_.assign(reinterpret_cast<const char*>(buffer.data()) + taken, *gathered - taken);
      return Flushed::Blocked;
    }
  }
  return Flushed::More;
}

// False when the stream has failed. Otherwise it took `taken` bytes and then all or no more.
bool H2Driver::hand_over(std::span<const std::byte> bytes, std::size_t* taken) {
  while (*taken < bytes.size()) {
    const net::IoOutcome outcome = stream_->try_write(bytes.subspan(*taken));
    if (outcome.status == net::IoStatus::WouldBlock) {
      break;
    }
    if (outcome.status != net::IoStatus::Done) {
      end(stream_->last_error());
      return false;
    }
    *taken += outcome.bytes;
    core_.output_taken(outcome.bytes);
  }
  return true;
}

// The peer gets all that was sent, which an immediate close could take from it; it closes its side
// or a timer does.
io::Task<void> H2Driver::end_politely() {
  linger_until_ = now() + std::chrono::seconds(1);
  arm_timer();
  static_cast<void>(co_await stream_->shutdown_write());
}

void H2Driver::close() { end(Error(ErrorKind::Cancelled, "the connection was closed here")); }

void H2Driver::end(std::optional<Error> failure) {
  if (ended_) {
    return;
  }
  ended_ = true;
  failure_ = std::move(failure);
  timer_.cancel();
  core_.abandon(Error(ErrorKind::Network,
                      failure_.has_value() ? failure_->message() : "the connection has ended"));
  stream_->close();
  writer_.wake(executor_);
  reader_held_.wake(executor_);
  settings_.set();
  pinged_.pulse();
}

}  // namespace roadstead::http
