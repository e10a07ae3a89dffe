// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "storage/sqlite/file_lock.h"

namespace roadstead::storage {
namespace {

bool sync_path(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) {
    close(fd);
  }
  return synced;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0) {
    return Error(ErrorKind::AlreadyExists, path + " exists already. Give another path");
  }
  NewFile file(path);
  std::remove(file.partial().c_str());
  TRY_VOID(create_private_file(file.partial()));
  return file;
}

NewFile::~NewFile() {
  if (!path_.empty()) {
    for (const char* side : {"", "-wal", "-shm", "-journal"}) {
      std::remove((partial() + side).c_str());
    }
  }
}

Result<void> NewFile::publish() {
  // Both fsyncs: a machine that stops now has the old state or the whole file.
  if (!sync_path(partial(), O_RDONLY) || std::rename(partial().c_str(), path_.c_str()) != 0 ||
      !sync_path(folder_of(path_), O_RDONLY | O_DIRECTORY)) {
    return Error(ErrorKind::Storage, path_ + " cannot be written: " + std::strerror(errno));
  }
  path_.clear();
  return {};
}

}  // namespace roadstead::storage
