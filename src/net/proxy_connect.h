// SPDX-License-Identifier: Apache-2.0
// Reaching a host through a corporate HTTP proxy: CONNECT (RFC 9110 section 9.3.6) with Basic
// authentication, and the customary HTTPS_PROXY / NO_PROXY rules as values (the caller reads the
// environment).
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "net/socket.h"

namespace roadstead::net {

struct HttpProxy {
  HostPort address;
  std::optional<Secret> basic_credentials;  // "user:password", percent-decoded
};

struct ProxySettings {
  std::optional<HttpProxy> proxy;
  std::string no_proxy;  // comma separated: host, .suffix, address, CIDR, host:port, *
};

// "http://user:pw@proxy.example:3128". https:// proxies are refused with a clear message.
Result<HttpProxy> parse_http_proxy(std::string_view url);
bool bypasses_proxy(std::string_view no_proxy, const HostPort& target);

// dial(), through the proxy when the target is not exempt. An answer other than 2xx is an error
// that names the proxy and the status.
io::Task<Result<Socket>> dial_through(io::Shard& shard, io::BlockingPool& resolver,
                                      const ProxySettings& settings, HostPort target,
                                      Deadline deadline);

}  // namespace roadstead::net
