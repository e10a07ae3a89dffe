// SPDX-License-Identifier: Apache-2.0
// Looks at a fresh connection's first bytes and leaves them in the socket: the ClientHello, and
// before it a PROXY protocol header (which is consumed, and gives the socket its real peer).
#pragma once

#include "net/client_hello.h"
#include "net/socket.h"

namespace roadstead::api {

io::Task<Result<net::ClientHello>> peek_client_hello(io::Shard& shard, net::Socket& socket,
                                                     bool proxy_protocol, Deadline deadline);

}  // namespace roadstead::api
