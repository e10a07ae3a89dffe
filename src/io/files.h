// SPDX-License-Identifier: Apache-2.0
// Small files: read whole, replaced whole. These calls block: they run on a BlockingPool, before a
// shard starts, or in programs that have none. Errors name the path.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace roadstead::io {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// "read /etc/x: Permission denied"; kind NotFound, PermissionDenied or Storage.
Error file_error(std::string_view what, const std::string& path, int error);

// NotFound when there is none; PayloadTooLarge beyond `limit`.
Result<std::string> read_file(const std::string& path, std::size_t limit = 4u << 20);

// Which mode a file has that was there before.
enum class FileMode : unsigned char { Kept, Forced };

// Readers see the old or the new content, also after a crash: written beside it, flushed, renamed,
// and the folder flushed. A symbolic link is followed, so that it goes on pointing to the file.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode = 0600,
                          FileMode existing = FileMode::Kept);

Result<void> write_all(int fd, const std::string& path, std::string_view content);

// Changes when the file's content may have changed; "" when it cannot be looked at.
std::string file_stamp(const std::string& path);

std::string directory_of(const std::string& path);

}  // namespace roadstead::io
