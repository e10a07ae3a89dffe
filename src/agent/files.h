// SPDX-License-Identifier: Apache-2.0
// What the Agent's few files need beyond io/files.h. These calls block: they run on the blocking
// pool, or before the shard starts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "io/files.h"

namespace roadstead::agent {

using io::file_stamp;
using io::read_file;

// Writes in place, for what cannot be renamed over (a bind mount).
Result<void> overwrite_file(const std::string& path, std::string_view content);

// Makes the directory (0700) when it is missing.
Result<void> make_private_directory(const std::string& path);

// Held for as long as the object lives, by one process at a time.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path);

 private:
  explicit FileLock(io::Descriptor file) : file_(std::move(file)) {}
  io::Descriptor file_;
};

}  // namespace roadstead::agent
