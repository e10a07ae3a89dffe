// SPDX-License-Identifier: Apache-2.0
// Writes tar archives (POSIX.1-1988 ustar) whose bytes depend on names and contents only: owner
// root, time zero. Pure.
#pragma once

#include <string>
#include <string_view>

namespace roadstead::registry {

class TarWriter {
 public:
  // Names have at most 100 bytes and contents less than 8 GiB (CHECKed).
  void directory(std::string_view name, unsigned mode = 0755);
  void file(std::string_view name, std::string_view content, unsigned mode = 0644);
  std::string finish() &&;

 private:
  void header(std::string_view name, unsigned mode, std::size_t size, char type);

  std::string out_;
};

}  // namespace roadstead::registry
