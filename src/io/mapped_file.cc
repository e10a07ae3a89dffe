// SPDX-License-Identifier: Apache-2.0
#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/files.h"

namespace roadstead::io {

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
    return file_error("read", path, errno);
  }
  if (!S_ISREG(info.st_mode) || info.st_size == 0) {
    return Error(ErrorKind::InvalidArgument, "read " + path + ": is no file with content");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (at == MAP_FAILED) {
    return file_error("map", path, errno);
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(std::string_view(static_cast<const char*>(at), size)));
}

MappedFile::~MappedFile() { ::munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }

void MappedFile::forget() const {
  ::madvise(const_cast<char*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

}  // namespace roadstead::io
