// SPDX-License-Identifier: Apache-2.0
// Keeps a second process away from a database: flock on "PATH.lock", released by the kernel when
// the process ends, however it ends.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace roadstead::storage {

class FileLock {
 public:
  FileLock() = default;
  static Result<FileLock> acquire(const std::string& database_path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  int fd_ = -1;
};

// Creates the file, readable by its owner only; SQLite's side files take over its mode.
Result<void> create_private_file(const std::string& path);

}  // namespace roadstead::storage
