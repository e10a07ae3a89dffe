// SPDX-License-Identifier: Apache-2.0
#include "io/batch_writer.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/release.h"

namespace roadstead::io {
namespace {

constexpr int kLookMilliseconds = 50;  // how soon a stalled writer sees that it must end

bool is_regular_file(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

std::uint64_t count_lines(std::string_view bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

}  // namespace

BatchWriter::BatchWriter(int fd, BatchWriterOptions options,
                         UniqueFunction<std::string(std::uint64_t)> lost_line)
    : fd_(fd),
      options_(options),
      lost_line_(std::move(lost_line)),
      regular_file_(is_regular_file(fd)),
      thread_([this] { run(); }) {}

BatchWriter::~BatchWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    finish_by_ = std::chrono::steady_clock::now() + options_.finish_time;
  }
  changed_.notify_one();
  thread_.join();
}

bool BatchWriter::add(std::string_view lines) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + writing_ + lines.size() > options_.most_waiting) {
      lost_ += count_lines(lines);
      return false;
    }
    // Only who begins a batch and who makes it full wake the thread: a system call each.
    wake = waiting_.empty() ||
           (waiting_.size() < options_.batch && waiting_.size() + lines.size() >= options_.batch);
    waiting_ += lines;
  }
  if (wake) {
    changed_.notify_one();
  }
  return true;
}

std::uint64_t BatchWriter::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void BatchWriter::run() {
  std::string batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) {
        return;
      }
      changed_.wait_for(lock, options_.delay,
                        [this] { return stopping_ || waiting_.size() >= options_.batch; });
      batch.swap(waiting_);
      writing_ = batch.size();
    }
    const bool written = write_out(batch);
    if (written) {
      report_lost();
    }
    if (batch.capacity() > 2 * options_.batch) {
      release(batch);  // grown while the reader stood still
    }
    batch.clear();
    if (!written && out_of_time()) {
      return;
    }
  }
}

// Once for all lines that were lost until now.
void BatchWriter::report_lost() {
  std::uint64_t count = 0;
  std::uint64_t until = 0;
  {
    const std::lock_guard lock(mutex_);
    until = lost_;
    count = lost_ - reported_;
  }
  if (count > 0 && write_out(lost_line_(count))) {
    const std::lock_guard lock(mutex_);
    reported_ = until;
  }
}

// False when the rest was lost: the descriptor failed, or the time at the end is over.
bool BatchWriter::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t written = write_some(bytes);
    const bool failed = written == 0;
    const std::lock_guard lock(mutex_);
    if (failed) {
      lost_ += count_lines(bytes);
      writing_ = 0;
      return false;
    }
    bytes.remove_prefix(written);
    writing_ -= std::min(writing_, written);
  }
  return true;
}

// 0: failed.
std::size_t BatchWriter::write_some(std::string_view bytes) {
  for (;;) {
    pollfd look{fd_, POLLOUT, 0};
    const int ready = poll(&look, 1, kLookMilliseconds);
    if (ready <= 0) {
      if (out_of_time()) {
        return 0;
      }
      continue;
    }
    const std::string_view piece = next_piece(bytes);
    const ssize_t n = ::write(fd_, piece.data(), piece.size());
    if (n > 0) {
      return static_cast<std::size_t>(n);
    }
    if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
      return 0;
    }
  }
}

// A pipe that is ready takes PIPE_BUF bytes without blocking and without mixing them with those of
// another process (pipe(7)); lines stay whole in that way.
std::string_view BatchWriter::next_piece(std::string_view bytes) const {
  const std::size_t most = regular_file_ ? options_.batch : std::size_t{PIPE_BUF};
  if (bytes.size() <= most) {
    return bytes;
  }
  const std::size_t end = bytes.rfind('\n', most - 1);
  return bytes.substr(0, end == std::string_view::npos ? most : end + 1);
}

bool BatchWriter::out_of_time() const {
  const std::lock_guard lock(mutex_);
  return stopping_ && std::chrono::steady_clock::now() >= finish_by_;
}

}  // namespace roadstead::io
