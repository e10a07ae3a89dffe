// SPDX-License-Identifier: Apache-2.0
// Small files, whole. These calls block: they run on the blocking pool, or before the shard starts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace roadstead::agent {

// NotFound when there is none; PayloadTooLarge beyond `limit`. Errors name the path.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

// Mode 0600; readers see the old or the new content, also after a crash.
Result<void> replace_file(const std::string& path, std::string_view content);

// Writes in place, for what cannot be renamed over (a bind mount).
Result<void> overwrite_file(const std::string& path, std::string_view content);

// Makes the directory (0700) when it is missing.
Result<void> make_private_directory(const std::string& path);

// Changes when the file's content may have changed; "" when it cannot be looked at.
std::string file_stamp(const std::string& path);

// Held for as long as the object lives, by one process at a time.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace roadstead::agent
