// SPDX-License-Identifier: Apache-2.0
// Socket addresses as the system calls take them, and as text. Internal to net/.
#pragma once

#include <sys/socket.h>

#include <string>

#include "base/result.h"
#include "net/socket.h"

namespace roadstead::net {

// Held by value: IPv4 or IPv6 with its length.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// A literal address and a numeric port, without any look-up.
Result<SocketAddress> parse_socket_address(const HostPort& address);
// An IPv4 client on a dual-stack listener is told as IPv4.
HostPort to_host_port(const SocketAddress& address);

// errno in words: "connection refused".
std::string errno_text(int error);

// What every connection of ours gets: no delay for small writes, and keep-alive probes that find a
// vanished peer of an idle connection within 30 s.
void configure_connection(int fd);
// See Stream::limit_unacknowledged.
void set_unacknowledged_limit(int fd, Duration limit);

}  // namespace roadstead::net
