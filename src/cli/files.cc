// SPDX-License-Identifier: Apache-2.0
#include "cli/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace roadstead::cli {
namespace {

constexpr int kLockPauseMs = 20;

}  // namespace

Result<void> make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return io::file_error("make directory", part, errno);
    }
    if (at == std::string::npos) {
      return {};
    }
  }
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return io::file_error("remove", path, errno);
  }
  return {};
}

Result<FileLock> FileLock::take(const std::string& path, const Clock& clock, Duration at_most) {
  io::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return io::file_error("lock", path, errno);
  }
  const Deadline deadline = Deadline::after(clock, at_most);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (deadline.expired(clock)) {
      return Error(ErrorKind::DeadlineExceeded, path + " is held by another roadstead command");
    }
    ::poll(nullptr, 0, kLockPauseMs);
  }
  return FileLock(std::move(file));
}

Result<KubeconfigLock> KubeconfigLock::take(const std::string& kubeconfig, const Clock& clock,
                                            Duration at_most) {
  const std::string path = kubeconfig + ".lock";
  const Deadline deadline = Deadline::after(clock, at_most);
  for (;;) {
    const io::Descriptor file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0));
    if (file.get() >= 0) {
      return KubeconfigLock(path);
    }
    if (errno != EEXIST) {
      return io::file_error("lock", path, errno);
    }
    if (deadline.expired(clock)) {
      return Error(ErrorKind::DeadlineExceeded,
                   "another program is changing " + kubeconfig + ": " + path +
                       " is there; if nothing runs that could, remove it");
    }
    ::poll(nullptr, 0, kLockPauseMs);
  }
}

KubeconfigLock::~KubeconfigLock() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

}  // namespace roadstead::cli
