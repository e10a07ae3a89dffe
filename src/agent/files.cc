// SPDX-License-Identifier: Apache-2.0
#include "agent/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace roadstead::agent {

Result<void> overwrite_file(const std::string& path, std::string_view content) {
  const io::Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (file.get() < 0) {
    return io::file_error("write", path, errno);
  }
  return io::write_all(file.get(), path, content);
}

Result<void> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return io::file_error("make directory", path, errno);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return io::file_error("look at", path, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return Error(ErrorKind::InvalidArgument, path + " is no directory");
  }
  return {};
}

Result<FileLock> FileLock::take(const std::string& path) {
  io::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return io::file_error("lock", path, errno);
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorKind::AlreadyExists,
                 path + " is held by another roadstead-agent; give each its own --state-dir");
  }
  return FileLock(std::move(file));
}

}  // namespace roadstead::agent
