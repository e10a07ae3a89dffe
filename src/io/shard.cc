// SPDX-License-Identifier: Apache-2.0
#include "io/shard.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "io/fd_watcher.h"
#include "io/task_group.h"

namespace roadstead::io {
namespace {

// A request wakes one coroutine after the other (reader, handler, writer); looking at the
// descriptors between them would cost a system call each time. Who has more work than that yields.
constexpr int kReadyPasses = 8;

}  // namespace

Shard::Shard(const Clock& clock)
    : Executor(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_ >= 0 && wake_fd_ >= 0, "no descriptors left for a shard");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd_, &event) == 0, "epoll_ctl");
}

Shard::~Shard() {
  close(wake_fd_);
  close(epoll_);
}

void Shard::run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    turn();
  }
}

void Shard::run_until_done(Task<void> task) {
  TaskGroup group(*this);
  bool done = false;
  auto body = [](Task<void> inner, bool* flag) -> Task<void> {
    co_await std::move(inner);
    *flag = true;
  };
  group.spawn(body(std::move(task), &done));
  while (!done || group.running() > 0) {
    turn();
  }
}

void Shard::stop() {
  stopping_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(wake_fd_, &one, sizeof(one));
}

void Shard::post_remote(UniqueFunction<void()> f) {
  bool first = false;
  {
    const std::lock_guard lock(remote_mutex_);
    first = remote_.empty();
    remote_.push_back(std::move(f));
  }
  if (first) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = write(wake_fd_, &one, sizeof(one));
  }
}

void Shard::take_remote() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = read(wake_fd_, &count, sizeof(count));
  std::vector<UniqueFunction<void()>> taken;
  {
    const std::lock_guard lock(remote_mutex_);
    taken.swap(remote_);
  }
  for (auto& f : taken) {
    post(std::move(f));
  }
}

int Shard::wait_milliseconds() const {
  if (has_ready() || !yielded_.empty()) {
    return 0;
  }
  const MonotonicTime next = next_timer();
  if (next == MonotonicTime::max()) {
    return -1;
  }
  const auto left = next - clock().now();
  if (left <= Duration::zero()) {
    return 0;
  }
  // Rounded up: waking early would spin until the timer is due.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(ms > 60'000 ? 60'000 : ms);
}

void Shard::turn() {
  ++turns_;
  std::array<epoll_event, 256> events;
  const int n =
      epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_milliseconds());
  CHECK(n >= 0 || errno == EINTR, "epoll_wait");
  for (int i = 0; i < n; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      take_remote();
    } else {
      static_cast<FdWatcher*>(event.data.ptr)->on_events(event.events);
    }
  }
  run_due_timers();
  for (const auto yielded : std::exchange(yielded_, {})) {
    resume_later(yielded);
  }
  for (int pass = 0; pass < kReadyPasses && has_ready(); ++pass) {
    run_ready();
  }
}

void Shard::add(FdWatcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watcher;
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, watcher.fd(), &event) == 0, "epoll_ctl add");
}

void Shard::remove(FdWatcher& watcher) {
  epoll_event event{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, watcher.fd(), &event);
}

FdWatcher::FdWatcher(Shard& shard, int fd) : shard_(shard), fd_(fd) { shard_.add(*this); }

FdWatcher::~FdWatcher() {
  CHECK(!read_.waiter && !write_.waiter, "an FdWatcher was destroyed while awaited");
  if (!closed_) {
    shard_.remove(*this);
  }
}

void FdWatcher::Awaiter::await_suspend(std::coroutine_handle<> h) {
  CHECK(!direction.waiter, "two waiters for one direction of a descriptor");
  direction.waiter = h;
}

Result<void> FdWatcher::Awaiter::await_resume() {
  if (watcher.closed_) {
    return Error(ErrorKind::Cancelled, "connection was closed here");
  }
  return {};
}

void FdWatcher::close() {
  if (!closed_) {
    shard_.remove(*this);
    closed_ = true;
    wake(read_);
    wake(write_);
  }
}

void FdWatcher::on_events(unsigned events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    peer_ended_ |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    read_.ready = true;
    drained_ = false;
    wake(read_);
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    write_.ready = true;
    wake(write_);
  }
}

void FdWatcher::wake(Direction& direction) {
  if (direction.waiter) {
    shard_.resume_later(std::exchange(direction.waiter, nullptr));
  }
}

}  // namespace roadstead::io
