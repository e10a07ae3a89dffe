// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/cutting_relay_test_support.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "base/check.h"

namespace roadstead::storage {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(path.size() < sizeof(address.sun_path), "a socket's path is short");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string read_some(int fd) {
  std::string bytes(1u << 16, '\0');
  const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

}  // namespace

CuttingRelay::CuttingRelay(std::string server, const Clock& clock)
    : server_(std::move(server)), thread_(clock) {
  folder_ = (std::filesystem::temp_directory_path() / "relay-XXXXXX").string();
  CHECK(mkdtemp(folder_.data()) != nullptr, "cannot make a folder");
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(folder_ + "/.s.PGSQL.5432");
  CHECK(bind(listener_, generic(address), sizeof(address)) == 0 && listen(listener_, 16) == 0,
        "the relay cannot listen");
  thread_.shard().post_remote([this] { serve(); });
}

CuttingRelay::~CuttingRelay() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  io::Shard& shard = thread_.shard();
  shard.stop();
  while (stopping_) {
    poll(nullptr, 0, 1);
  }
  close(listener_);
  std::filesystem::remove_all(folder_);
}

void CuttingRelay::serve() {
  while (!stopping_) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      fds.push_back({pair.client, POLLIN, 0});
      fds.push_back({pair.server, POLLIN, 0});
    }
    poll(fds.data(), fds.size(), 1000);
    std::vector<Pair> alive;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const bool request = fds[1 + 2 * i].revents != 0;
      const bool answer = fds[2 + 2 * i].revents != 0;
      if ((request && !forward_request(pairs_[i])) || (answer && !forward_answer(pairs_[i]))) {
        end(pairs_[i]);
      } else {
        alive.push_back(pairs_[i]);
      }
    }
    pairs_ = std::move(alive);
    if (fds[0].revents != 0 && !stopping_) {
      accept_one();
    }
  }
  for (const Pair& pair : pairs_) {
    end(pair);
  }
  stopping_ = false;
}

void CuttingRelay::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(server_);
  if (client < 0 || gone_ || connect(server, generic(address), sizeof(address)) != 0) {
    end({client, server});
    return;
  }
  pairs_.push_back({client, server});
}

bool CuttingRelay::forward_request(const Pair& pair) {
  const std::string bytes = read_some(pair.client);
  if (bytes.empty()) {
    return false;
  }
  // Only what a writer sends with its commit has this statement, in words at its first use.
  if (cut_ == Cut::Nowhere || bytes.find("pg_notify") == std::string::npos) {
    return write_all(pair.server, bytes);
  }
  const Cut cut = cut_.exchange(Cut::Nowhere);
  gone_ = cut == Cut::AfterCommitForGood;
  if (cut != Cut::BeforeCommit) {
    static_cast<void>(write_all(pair.server, bytes));
    static_cast<void>(read_some(pair.server));  // it is done; nobody else hears of it
  }
  ++cuts_;
  return false;
}

bool CuttingRelay::forward_answer(const Pair& pair) {
  const std::string bytes = read_some(pair.server);
  return !bytes.empty() && write_all(pair.client, bytes);
}

void CuttingRelay::end(const Pair& pair) {
  close(pair.client);
  close(pair.server);
}

}  // namespace roadstead::storage
