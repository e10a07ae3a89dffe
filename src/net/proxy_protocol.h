// SPDX-License-Identifier: Apache-2.0
// PROXY protocol version 2 (haproxy.org, proxy-protocol.txt section 2.2) on the listening side, for
// load balancers in front of the hub: audit needs the real client address. Pure parser.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace roadstead::net {

struct ProxyHeader {
  std::size_t length = 0;      // bytes to consume
  std::string source_address;  // "192.0.2.1:5555"; "" for LOCAL
};

// nullopt: more bytes are needed. Anything but a version 2 header is a Protocol error: the header
// is required on a port that is configured for it.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::byte> bytes);

}  // namespace roadstead::net
