// SPDX-License-Identifier: Apache-2.0
#include "agent/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace roadstead::agent {
namespace {

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

 private:
  int fd_;
};

Error failed(std::string_view what, const std::string& path, int error) {
  std::array<char, 128> buffer{};
  const char* text = ::strerror_r(error, buffer.data(), buffer.size());
  const ErrorKind kind = error == ENOENT   ? ErrorKind::NotFound
                         : error == EACCES ? ErrorKind::PermissionDenied
                                           : ErrorKind::Storage;
  return Error(kind, std::string(what) + " " + path + ": " + text);
}

Result<void> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failed("write", path, errno);
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return failed("read", path, errno);
  }
  std::string out;
  std::array<char, 16384> buffer{};
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

Result<void> replace_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) {
      return failed("write", temporary, errno);
    }
    // A file left by an older process may have had another mode.
    if (::fchmod(file.get(), 0600) != 0) {
      return failed("protect", temporary, errno);
    }
    TRY_VOID(write_all(file.get(), temporary, content));
    if (::fsync(file.get()) != 0) {
      return failed("write", temporary, errno);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return failed("replace", path, errno);
  }
  const std::string directory = directory_of(path);
  const Descriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || ::fsync(parent.get()) != 0) {
    return failed("write", directory, errno);
  }
  return {};
}

Result<void> overwrite_file(const std::string& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (file.get() < 0) {
    return failed("write", path, errno);
  }
  return write_all(file.get(), path, content);
}

Result<void> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("make directory", path, errno);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return failed("look at", path, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return Error(ErrorKind::InvalidArgument, path + " is no directory");
  }
  return {};
}

std::string file_stamp(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return {};
  }
  return std::to_string(info.st_ino) + '.' + std::to_string(info.st_size) + '.' +
         std::to_string(info.st_mtim.tv_sec) + '.' + std::to_string(info.st_mtim.tv_nsec);
}

Result<FileLock> FileLock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return failed("lock", path, errno);
  }
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorKind::AlreadyExists,
                 path + " is held by another roadstead-agent; give each its own --state-dir");
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

}  // namespace roadstead::agent
