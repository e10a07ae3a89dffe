// SPDX-License-Identifier: Apache-2.0
// TLS over a descriptor with buffers released while idle (SSL_MODE_RELEASE_BUFFERS), which is what
// makes ten thousand idle lanes affordable.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "io/shard.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace roadstead::net {

// Picks the context for a connection by its SNI ("" when none). nullptr closes the connection with
// unrecognized_name.
using ServerContextSelector = std::function<std::shared_ptr<TlsServerContext>(
    const std::string& server_name, const std::vector<std::string>& alpn)>;

// Both consume the connected socket and run the handshake until the deadline.
io::Task<Result<StreamPtr>> tls_accept(io::Shard& shard, Socket socket,
                                       ServerContextSelector selector, Deadline deadline);

// `server_name` is sent as SNI and verified against the certificate's subjectAltName (DNS name or
// IP address). A session from an earlier connection to the same name is resumed when there is one.
io::Task<Result<StreamPtr>> tls_connect(io::Shard& shard, Socket socket,
                                        std::shared_ptr<TlsClientContext> context,
                                        std::string server_name, Deadline deadline);

}  // namespace roadstead::net
