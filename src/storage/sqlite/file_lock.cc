// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace roadstead::storage {
namespace {

Error failed(const std::string& path, int code) {
  return Error(ErrorKind::Storage, "store " + path + ": " + std::strerror(code) +
                                       ". Check that the folder exists and is writable");
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& database_path) {
  const std::string path = database_path + ".lock";
  FileLock lock;
  lock.fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock.fd_ < 0) {
    return failed(path, errno);
  }
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorKind::Storage, "store " + database_path +
                                         ": another process uses it. Stop that process, or give "
                                         "this one a path of its own");
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Result<void> create_private_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return failed(path, errno);
  }
  close(fd);
  return {};
}

}  // namespace roadstead::storage
