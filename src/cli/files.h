// SPDX-License-Identifier: Apache-2.0
// Small files of one person: read whole, replaced whole. Blocking calls; errors name the path.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace roadstead::cli {

// NotFound when there is none; PayloadTooLarge beyond `limit`.
Result<std::string> read_file(const std::string& path, std::size_t limit = 4u << 20);

// Readers see the old or the new content, also after a crash. A symbolic link is followed, so that
// it goes on pointing to the file. An existing file keeps its mode.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode = 0600);

// With all parents, 0700 where missing.
Result<void> make_directories(const std::string& path);
Result<void> remove_file(const std::string& path);  // a missing one is fine

std::string directory_of(const std::string& path);

// Held by one process at a time, until destroyed; given back by the kernel when the holder dies.
class FileLock {
 public:
  // Waits for another holder, at most so long.
  static Result<FileLock> take(const std::string& path, const Clock& clock, Duration at_most);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
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
