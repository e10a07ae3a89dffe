// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/sealed.h"

namespace roadstead::crypto {
namespace {

constexpr std::string_view kHeader = "roadstead-sealing-key-v1 ";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxFile = 1024;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error file_error(const std::string& path, std::string_view what) {
  return Error(ErrorKind::Storage, std::string("sealing key file ") + path + ": " +
                                       std::string(what) + ": " +
                                       std::generic_category().message(errno));
}

// Nothing when there is no file.
Result<std::optional<Secret>> read_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) {
    if (errno == ENOENT) {
      return std::optional<Secret>();
    }
    return file_error(path, "cannot open");
  }
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) {
    return file_error(path, "cannot read its mode");
  }
  if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IWGRP | S_IRWXO)) != 0) {
    return Error(ErrorKind::PermissionDenied,
                 "sealing key file " + path + " is open to others; run: chmod 600 " + path);
  }
  std::string text(kMaxFile, '\0');
  const ssize_t n = ::read(file.fd(), text.data(), text.size());
  if (n < 0) {
    return file_error(path, "cannot read");
  }
  text.resize(static_cast<std::size_t>(n));
  return std::optional<Secret>(Secret(std::move(text)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  return ::fsync(fd) == 0;
}

// The file appears under its name whole and durable or not at all, and never replaces another.
Result<void> create_file(const std::string& path, const Secret& text, Random& random) {
  const std::string temporary = path + "." + random.hex(8) + ".tmp";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd() < 0) {
      return file_error(path, "cannot create");
    }
    if (!write_all(file.fd(), text.reveal())) {
      Error error = file_error(path, "cannot write");
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    Error error = file_error(path, "cannot create");
    ::unlink(temporary.c_str());
    return error;
  }
  ::unlink(temporary.c_str());
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || ::fsync(directory.fd()) != 0) {
    return file_error(path, "cannot make its folder durable");
  }
  return {};
}

}  // namespace

SealingKey::SealingKey(Secret bytes)
    : bytes_(std::move(bytes)),
      id_(to_hex(hmac_sha256(bytes_.reveal(), "roadstead sealing key id")).substr(0, 16)) {}

Result<SealingKey> SealingKey::parse(const std::string& path, std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  if (text.starts_with(kHeader)) {
    auto bytes = codec::base64_decode(text.substr(kHeader.size()));
    if (bytes.ok() && bytes->size() == kKeyBytes) {
      return SealingKey(Secret(*std::move(bytes)));
    }
  }
  return Error(ErrorKind::Storage, "sealing key file " + path +
                                       " is damaged; put back a copy of it. What was sealed "
                                       "with it cannot be opened with another");
}

Result<SealingKey> SealingKey::load(const std::string& path) {
  TRY(const std::optional<Secret> text, read_file(path));
  if (!text.has_value()) {
    return Error(ErrorKind::NotFound, "sealing key file " + path + " does not exist");
  }
  return parse(path, text->reveal());
}

Result<SealingKey> SealingKey::load_or_create(const std::string& path, Random& random) {
  auto found = load(path);
  if (found.ok() || found.error().kind() != ErrorKind::NotFound) {
    return found;
  }
  std::array<char, kKeyBytes> bytes{};
  random.fill(std::as_writable_bytes(std::span(bytes)));
  std::string text(kHeader);
  text.append(codec::base64_encode({bytes.data(), bytes.size()})).append("\n");
  TRY_VOID(create_file(path, Secret(std::move(text)), random));
  return load(path);
}

}  // namespace roadstead::crypto
