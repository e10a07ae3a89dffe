// SPDX-License-Identifier: Apache-2.0
#include "net/pipe.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "io/event.h"

namespace roadstead::net {
namespace {

// Bytes that were written and not yet read. In one piece, so that benchmarks over pipes measure
// what is at their ends; what was large gives its memory back when it is empty, as a socket does.
class Waiting {
 public:
  std::size_t size() const { return bytes_.size() - taken_; }
  bool empty() const { return size() == 0; }
  void add(std::span<const std::byte> more) {
    if (taken_ >= kKept && taken_ >= size()) {  // seldom, so that a byte is not moved often
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
      taken_ = 0;
    }
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  std::size_t take(std::span<std::byte> into) {
    const auto from =
        std::span<const std::byte>(bytes_).subspan(taken_, std::min(into.size(), size()));
    std::copy(from.begin(), from.end(), into.begin());
    taken_ += from.size();
    if (empty()) {
      taken_ = 0;
      bytes_.clear();
      if (bytes_.capacity() > kKept) {
        bytes_.shrink_to_fit();
      }
    }
    return from.size();
  }

 private:
  static constexpr std::size_t kKept = 1024;
  std::vector<std::byte> bytes_;
  std::size_t taken_ = 0;  // of bytes_
};

// One direction. Shared by both ends, so that a waiter may outlive the end it waited on.
struct Lane {
  Lane(io::Executor& executor, std::size_t limit)
      : capacity(limit), not_empty(executor), not_full(executor) {}

  std::size_t capacity;
  Waiting bytes;
  bool ended = false;  // the writer has sent all it will
  bool reset = false;  // the reader went away, or the writer with unread input
  bool reader_closed = false;
  bool writer_closed = false;
  std::vector<std::byte> refused;  // head of what met WouldBlock; see Stream::try_write
  io::Event not_empty;
  io::Event not_full;

  void wake() {
    not_empty.pulse();
    not_full.pulse();
  }
};

Error closed_here() { return {ErrorKind::Cancelled, "connection was closed here"}; }

class PipeEnd final : public Stream {
 public:
  PipeEnd(io::Executor& executor, std::shared_ptr<Lane> in, std::shared_ptr<Lane> out)
      : executor_(executor), in_(std::move(in)), out_(std::move(out)) {}
  ~PipeEnd() override { PipeEnd::close(); }

  io::Executor& executor() override { return executor_; }

  IoOutcome try_read(std::span<std::byte> into) override {
    CHECK(!into.empty(), "a read needs room");
    if (in_->reader_closed) {
      return fail(closed_here());
    }
    if (!in_->bytes.empty()) {
      const std::size_t n = in_->bytes.take(into);
      in_->not_full.pulse();
      return {IoStatus::Done, n};
    }
    if (in_->reset) {
      return fail({ErrorKind::Network, "read from pipe: Connection reset by peer"});
    }
    return {in_->ended ? IoStatus::EndOfStream : IoStatus::WouldBlock, 0};
  }

  IoOutcome try_write(std::span<const std::byte> from) override {
    if (out_->writer_closed) {
      return fail(closed_here());
    }
    CHECK(!out_->ended, "write after shutdown_write");
    CHECK(out_->refused.size() <= from.size() &&
              std::equal(out_->refused.begin(), out_->refused.end(), from.begin()),
          "a write that met WouldBlock must be tried again with the same bytes");
    if (out_->reader_closed || out_->reset) {
      return fail({ErrorKind::Network, "write to pipe: Broken pipe"});
    }
    const std::size_t n = std::min(from.size(), out_->capacity - out_->bytes.size());
    if (n == 0 && !from.empty()) {
      out_->refused.assign(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                            from.size(), kRememberedBytes)));
      return {IoStatus::WouldBlock, 0};
    }
    out_->refused.clear();
    out_->bytes.add(from.first(n));
    out_->not_empty.pulse();
    return {IoStatus::Done, n};
  }

  const Error& last_error() const override { return error_; }

  io::Task<Result<void>> readable() override { return wait_readable(in_); }
  io::Task<Result<void>> writable() override { return wait_writable(out_); }

  io::Task<Result<void>> shutdown_write() override {
    if (out_->writer_closed) {
      co_return closed_here();
    }
    out_->ended = true;
    out_->wake();
    co_return Result<void>();
  }

  void close() override {
    if (in_->reader_closed) {
      return;
    }
    in_->reader_closed = true;
    out_->writer_closed = true;
    // As TCP does: a close that leaves input unread is a reset, any other is an end.
    out_->reset = !in_->bytes.empty();
    out_->ended = true;
    in_->wake();
    out_->wake();
  }

  const std::string& peer_address() const override { return name_; }

 private:
  static constexpr std::size_t kRememberedBytes = 64;

  static io::Task<Result<void>> wait_readable(std::shared_ptr<Lane> lane) {
    while (!lane->reader_closed && lane->bytes.empty() && !lane->ended && !lane->reset) {
      co_await lane->not_empty.wait_next();
    }
    if (lane->reader_closed) {
      co_return closed_here();
    }
    co_return Result<void>();
  }

  static io::Task<Result<void>> wait_writable(std::shared_ptr<Lane> lane) {
    while (!lane->writer_closed && !lane->reader_closed && !lane->reset &&
           lane->bytes.size() >= lane->capacity) {
      co_await lane->not_full.wait_next();
    }
    if (lane->writer_closed) {
      co_return closed_here();
    }
    co_return Result<void>();
  }

  IoOutcome fail(Error error) {
    error_ = std::move(error);
    return {IoStatus::Failed, 0};
  }

  io::Executor& executor_;
  std::shared_ptr<Lane> in_;
  std::shared_ptr<Lane> out_;
  Error error_{ErrorKind::Internal, "no error"};
  std::string name_ = "pipe";
};

}  // namespace

std::pair<StreamPtr, StreamPtr> make_pipe(io::Executor& executor, std::size_t capacity) {
  CHECK(capacity > 0, "a pipe needs room");
  auto a_to_b = std::make_shared<Lane>(executor, capacity);
  auto b_to_a = std::make_shared<Lane>(executor, capacity);
  return {std::make_unique<PipeEnd>(executor, b_to_a, a_to_b),
          std::make_unique<PipeEnd>(executor, a_to_b, b_to_a)};
}

}  // namespace roadstead::net
