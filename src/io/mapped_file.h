// SPDX-License-Identifier: Apache-2.0
// A file as bytes that take no memory while nobody reads them. Whoever maps a file owns it: if
// somebody else makes it shorter, reading ends the process. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace roadstead::io {

class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }
  // Gives back the memory of what was read; it is read from the file again when needed.
  void forget() const;

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace roadstead::io
