// SPDX-License-Identifier: Apache-2.0
// PROXY protocol version 2 (haproxy.org, proxy-protocol.txt section 2.2) on the listening side, for
// load balancers in front of the hub: audit needs the real client address.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/socket.h"

namespace roadstead::net {

struct ProxyHeader {
  std::size_t length = 0;      // bytes to consume
  std::string source_address;  // "192.0.2.1:5555"; "" for LOCAL
};

// nullopt: more bytes are needed. Anything but a version 2 header is a Protocol error: the header
// is required on a port that is configured for it.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::byte> bytes);

// Waits for the header, takes exactly it out of the socket, and gives the socket the address that
// the header tells (a LOCAL header leaves it).
io::Task<Result<void>> take_proxy_header(io::Shard& shard, Socket& socket, Deadline deadline);

}  // namespace roadstead::net
