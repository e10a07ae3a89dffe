// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/address.h"

namespace roadstead::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedBytes = 16;
// Addresses of the largest kind that is meant for TCP, and room for TLVs.
constexpr std::size_t kMostBytes = 1024;
constexpr std::size_t kIpv4Bytes = 12;
constexpr std::size_t kIpv6Bytes = 36;

Error broken(std::string_view what) {
  return {ErrorKind::Protocol, "PROXY protocol: " + std::string(what)};
}

std::string ipv4_source(std::string_view addresses) {
  SocketAddress source;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&source.storage);
  v4->sin_family = AF_INET;
  std::memcpy(&v4->sin_addr, addresses.data(), 4);
  std::memcpy(&v4->sin_port, addresses.data() + 8, 2);
  return format_host_port(to_host_port(source));
}

std::string ipv6_source(std::string_view addresses) {
  SocketAddress source;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&source.storage);
  v6->sin6_family = AF_INET6;
  std::memcpy(&v6->sin6_addr, addresses.data(), 16);
  std::memcpy(&v6->sin6_port, addresses.data() + 32, 2);
  return format_host_port(to_host_port(source));
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t seen = std::min(text.size(), kSignature.size());
  if (text.substr(0, seen) != kSignature.substr(0, seen)) {
    return broken("the connection does not begin with a version 2 header");
  }
  if (text.size() < kFixedBytes) {
    return std::optional<ProxyHeader>();
  }
  const auto octet = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (octet(12) >> 4 != 2) {
    return broken("unknown version");
  }
  const std::size_t length = static_cast<std::size_t>(octet(14)) << 8 | octet(15);
  if (length > kMostBytes) {
    return broken("the header is longer than 1 KiB");
  }
  if (text.size() < kFixedBytes + length) {
    return std::optional<ProxyHeader>();
  }
  ProxyHeader header;
  header.length = kFixedBytes + length;
  const unsigned command = octet(12) & 0x0f;
  if (command == 0) {
    return std::optional(std::move(header));  // LOCAL: a health check of the balancer itself
  }
  if (command != 1) {
    return broken("unknown command");
  }
  const std::string_view addresses = text.substr(kFixedBytes, length);
  switch (octet(13)) {
    case 0x11:  // TCP over IPv4
      if (addresses.size() < kIpv4Bytes) {
        return broken("too short for IPv4 addresses");
      }
      header.source_address = ipv4_source(addresses);
      break;
    case 0x21:  // TCP over IPv6
      if (addresses.size() < kIpv6Bytes) {
        return broken("too short for IPv6 addresses");
      }
      header.source_address = ipv6_source(addresses);
      break;
    case 0x00:  // unspecified: the receiver uses the connection's own addresses
      break;
    default:
      return broken("neither TCP over IPv4 nor over IPv6");
  }
  return std::optional(std::move(header));
}

}  // namespace roadstead::net
