// SPDX-License-Identifier: Apache-2.0
// What the command line's files need beyond io/files.h. Blocking calls; errors name the path.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "io/files.h"

namespace roadstead::cli {

using io::directory_of;
using io::read_file;
using io::replace_file;

// With all parents, 0700 where missing.
Result<void> make_directories(const std::string& path);
Result<void> remove_file(const std::string& path);  // a missing one is fine

// Held by one process at a time, until destroyed; given back by the kernel when the holder dies.
class FileLock {
 public:
  // Waits for another holder, at most so long.
  static Result<FileLock> take(const std::string& path, const Clock& clock, Duration at_most);

 private:
  explicit FileLock(io::Descriptor file) : file_(std::move(file)) {}
  io::Descriptor file_;
};

// The lock that kubectl takes on a kubeconfig: FILE.lock, made exclusively and removed at the end.
class KubeconfigLock {
 public:
  static Result<KubeconfigLock> take(const std::string& kubeconfig, const Clock& clock,
                                     Duration at_most);
  KubeconfigLock(KubeconfigLock&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  KubeconfigLock& operator=(KubeconfigLock&&) = delete;
  ~KubeconfigLock();

 private:
  explicit KubeconfigLock(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace roadstead::cli
