// SPDX-License-Identifier: Apache-2.0
// Reads server name and ALPN from a TLS ClientHello (RFC 8446 section 4.1.2) without consuming it,
// so that a connection can be given to the shard of its cluster before TLS starts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/socket.h"

namespace roadstead::net {

struct ClientHello {
  std::string server_name;  // lower-case, "" when absent
  std::vector<std::string> alpn;
};

enum class HelloState : unsigned char { NeedMore, Complete };

// At most 16 KiB are looked at; what is no ClientHello is a Protocol error.
Result<HelloState> parse_client_hello(std::span<const std::byte> bytes, ClientHello& out);

// Waits for the ClientHello and leaves it in the socket for tls_accept.
io::Task<Result<ClientHello>> peek_client_hello(io::Shard& shard, Socket& socket,
                                                Deadline deadline);

}  // namespace roadstead::net
