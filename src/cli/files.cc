// SPDX-License-Identifier: Apache-2.0
#include "cli/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace roadstead::cli {
namespace {

constexpr int kLockPauseMs = 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error failed(std::string_view what, const std::string& path, int error) {
  std::array<char, 128> buffer{};
  const char* text = ::strerror_r(error, buffer.data(), buffer.size());
  const ErrorKind kind = error == ENOENT   ? ErrorKind::NotFound
                         : error == EACCES ? ErrorKind::PermissionDenied
                                           : ErrorKind::Storage;
  return Error(kind, std::string(what) + ' ' + path + ": " + text);
}

Result<void> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR) {
      return failed("write", path, errno);
    }
    content.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return {};
}

// Where a symbolic link leads; the path itself when it is none or does not exist.
std::string resolved(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) != nullptr ? std::string(buffer.data()) : path;
}

}  // namespace

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return failed("read", path, errno);
  }
  std::string out;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failed("read", path, errno);
    }
    if (n == 0) {
      return out;
    }
    out.append(buffer.data(), static_cast<std::size_t>(n));
    if (out.size() > limit) {
      return Error(ErrorKind::PayloadTooLarge,
                   "read " + path + ": more than " + std::to_string(limit) + " bytes");
    }
  }
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string target = resolved(path);
  struct stat info{};
  if (::stat(target.c_str(), &info) == 0) {
    mode = info.st_mode & 07777;
  }
  std::string temporary = target + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) {
    return failed("write", target, errno);
  }
  Result<void> written = write_all(file.get(), temporary, content);
  if (written.ok() && (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0)) {
    written = failed("write", temporary, errno);
  }
  if (written.ok() && ::rename(temporary.c_str(), target.c_str()) != 0) {
    written = failed("replace", target, errno);
  }
  if (!written.ok()) {
    ::unlink(temporary.c_str());
  }
  return written;
}

Result<void> make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return failed("make directory", part, errno);
    }
    if (at == std::string::npos) {
      return {};
    }
  }
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed("remove", path, errno);
  }
  return {};
}

Result<FileLock> FileLock::take(const std::string& path, const Clock& clock, Duration at_most) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return failed("lock", path, errno);
  }
  const Deadline deadline = Deadline::after(clock, at_most);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (deadline.expired(clock)) {
      return Error(ErrorKind::DeadlineExceeded, path + " is held by another roadstead command");
    }
    ::poll(nullptr, 0, kLockPauseMs);
  }
  return FileLock(file.release());
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<KubeconfigLock> KubeconfigLock::take(const std::string& kubeconfig, const Clock& clock,
                                            Duration at_most) {
  const std::string path = kubeconfig + ".lock";
  const Deadline deadline = Deadline::after(clock, at_most);
  for (;;) {
    const Descriptor file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0));
    if (file.get() >= 0) {
      return KubeconfigLock(path);
    }
    if (errno != EEXIST) {
      return failed("lock", path, errno);
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
