// SPDX-License-Identifier: Apache-2.0
#include "io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace roadstead::io {
namespace {

// Where a symbolic link leads; the path itself when it is none or does not exist.
std::string resolved(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) != nullptr ? std::string(buffer.data()) : path;
}

Result<void> flush_directory(const std::string& directory) {
  const Descriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || ::fsync(parent.get()) != 0) {
    return file_error("write", directory, errno);
  }
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Error file_error(std::string_view what, const std::string& path, int error) {
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
      return file_error("write", path, errno);
    }
    content.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return {};
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return file_error("read", path, errno);
  }
  std::string out;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return file_error("read", path, errno);
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

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode,
                          FileMode existing) {
  const std::string target = resolved(path);
  struct stat info{};
  if (existing == FileMode::Kept && ::stat(target.c_str(), &info) == 0) {
    mode = info.st_mode & 07777;
  }
  std::string temporary = target + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) {
    return file_error("write", target, errno);
  }
  Result<void> written = write_all(file.get(), temporary, content);
  if (written.ok() && (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0)) {
    written = file_error("write", temporary, errno);
  }
  if (written.ok() && ::rename(temporary.c_str(), target.c_str()) != 0) {
    written = file_error("replace", target, errno);
  }
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  return flush_directory(directory_of(target));
}

std::string file_stamp(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return {};
  }
  return std::to_string(info.st_ino) + '.' + std::to_string(info.st_size) + '.' +
         std::to_string(info.st_mtim.tv_sec) + '.' + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace roadstead::io
