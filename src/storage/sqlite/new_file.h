// SPDX-License-Identifier: Apache-2.0
// A database file that is written under another name and appears whole, or not at all.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace roadstead::storage {

class NewFile {
 public:
  // Fails with AlreadyExists when there is a file of that name.
  static Result<NewFile> create(const std::string& path);
  NewFile(NewFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();  // removes what was not published

  std::string partial() const { return path_ + ".partial"; }
  // The database must be closed.
  Result<void> publish();

 private:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace roadstead::storage
