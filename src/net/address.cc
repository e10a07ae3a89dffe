// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/ascii.h"

namespace roadstead::net {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(ErrorKind::InvalidArgument,
                 "port " + quoted(text) + " is not a number from 0 to 65535");
  }
  return port;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text, std::string_view default_port) {
  HostPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return Error(ErrorKind::InvalidArgument, "address " + quoted(text) + " lacks a \"]\"");
    }
    out.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') {
      return Error(ErrorKind::InvalidArgument,
                   "address " + quoted(text) + " has something other than a port after \"]\"");
    }
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    out.host = text;  // a bare IPv6 address
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    out.host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  out.port = rest.empty() ? default_port : rest.substr(1);
  if (out.host.empty()) {
    return Error(ErrorKind::InvalidArgument, "address " + quoted(text) + " has no host");
  }
  for (const char c : out.host) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '/' || c == '@' || c == '[' || c == ']') {
      return Error(ErrorKind::InvalidArgument,
                   "address " + quoted(text) + " must be host:port, without a scheme or path");
    }
  }
  const std::string number = out.host.substr(0, out.host.find('%'));  // without a zone
  in6_addr ignored;
  if (number.find(':') != std::string::npos && inet_pton(AF_INET6, number.c_str(), &ignored) != 1) {
    return Error(ErrorKind::InvalidArgument, "address " + quoted(text) + " is no IPv6 address");
  }
  if (out.port.empty()) {
    return Error(ErrorKind::InvalidArgument, "address " + quoted(text) + " has no port");
  }
  TRY_VOID(parse_port(out.port));
  return out;
}

std::string format_host_port(const HostPort& address) {
  if (address.host.find(':') != std::string::npos) {
    return '[' + address.host + "]:" + address.port;
  }
  return address.host + ':' + address.port;
}

Result<SocketAddress> parse_socket_address(const HostPort& address) {
  TRY(const std::uint16_t port, parse_port(address.port));
  SocketAddress out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length = sizeof(sockaddr_in);
    return out;
  }
  out.storage = {};
  if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof(sockaddr_in6);
    return out;
  }
  return Error(ErrorKind::InvalidArgument, quoted(address.host) + " is not an IP address");
}

HostPort to_host_port(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return {text.data(), std::to_string(ntohs(v4->sin_port))};
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
    return {text.data(), std::to_string(ntohs(v6->sin6_port))};
  }
  return {"unknown", "0"};
}

std::string errno_text(int error) {
  std::array<char, 128> buffer{};
  std::string text = strerror_r(error, buffer.data(), buffer.size());
  if (!text.empty()) {
    text.front() = ascii::lower(text.front());
  }
  return text;
}

void configure_connection(int fd) {
  const auto set = [fd](int level, int name, int value) {
    // Best effort: a connection without these still works.
    static_cast<void>(setsockopt(fd, level, name, &value, sizeof(value)));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void set_unacknowledged_limit(int fd, Duration limit) {
  const auto ms =
      static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count());
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)));
}

}  // namespace roadstead::net
