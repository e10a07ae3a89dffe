// SPDX-License-Identifier: Apache-2.0
#include "apps/agent/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace roadstead::agent_app {
namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void Signals::block() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<Signals>> Signals::create(io::Shard& shard) {
  const sigset_t set = watched();
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    return Error(ErrorKind::Internal, "signalfd failed");
  }
  return std::unique_ptr<Signals>(new Signals(shard, fd));
}

Signals::~Signals() {
  watcher_.close();
  ::close(fd_);
}

io::Task<Result<int>> Signals::next() {
  for (;;) {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof(info)) == sizeof(info)) {
      co_return static_cast<int>(info.ssi_signo);
    }
    if (errno != EAGAIN && errno != EINTR) {
      co_return Error(ErrorKind::Internal, "reading signals failed");
    }
    watcher_.blocked_read();
    CO_TRY_VOID(co_await watcher_.readable());
  }
}

void Signals::close() { watcher_.close(); }

}  // namespace roadstead::agent_app
