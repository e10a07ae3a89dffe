// SPDX-License-Identifier: Apache-2.0
// The customary NO_PROXY rules, as curl and Go's net/http read them.
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "base/ascii.h"
#include "net/address.h"
#include "net/proxy_connect.h"

namespace roadstead::net {
namespace {

std::span<const std::byte> address_bytes(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return std::as_bytes(std::span(&v4->sin_addr, 1));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  return std::as_bytes(std::span(&v6->sin6_addr, 1));
}

std::optional<SocketAddress> as_address(std::string_view host) {
  Result<SocketAddress> parsed = parse_socket_address({std::string(host), "0"});
  return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

bool is_in_network(const SocketAddress& address, std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  const std::optional<SocketAddress> network = as_address(cidr.substr(0, slash));
  if (!network.has_value() || network->family() != address.family()) {
    return false;
  }
  const std::span<const std::byte> a = address_bytes(address);
  const std::span<const std::byte> b = address_bytes(*network);
  std::size_t bits = 0;
  const std::string_view digits = cidr.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > a.size() * 8) {
    return false;
  }
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const std::size_t left = bits % 8;
  return left == 0 || ((a[whole] ^ b[whole]) >> (8 - left)) == std::byte{0};
}

// An entry without its port, which must be the target's when it is given.
std::optional<std::string_view> host_of_entry(std::string_view entry, const std::string& port) {
  std::string_view entry_port;
  if (entry.starts_with('[')) {
    const std::size_t end = entry.find(']');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    entry_port = entry.substr(end + 1);
    entry = entry.substr(1, end - 1);
  } else if (std::count(entry.begin(), entry.end(), ':') == 1) {
    entry_port = entry.substr(entry.find(':'));
    entry = entry.substr(0, entry.find(':'));
  }
  if (!entry_port.empty() && entry_port != ':' + port) {
    return std::nullopt;
  }
  return entry;
}

bool matches(std::string_view entry, const HostPort& target,
             const std::optional<SocketAddress>& address) {
  if (entry.find('/') != std::string_view::npos) {
    return address.has_value() && is_in_network(*address, entry);
  }
  const std::optional<std::string_view> host = host_of_entry(entry, target.port);
  if (!host.has_value() || host->empty()) {
    return false;
  }
  if (address.has_value()) {
    const std::optional<SocketAddress> other = as_address(*host);
    return other.has_value() && std::ranges::equal(address_bytes(*address), address_bytes(*other));
  }
  std::string suffix = ascii::to_lower(*host);
  if (suffix.starts_with("*.")) {
    suffix.erase(0, 1);
  }
  std::string name = ascii::to_lower(target.host);
  if (name.ends_with('.')) {
    name.pop_back();
  }
  if (suffix.starts_with('.')) {
    return name.ends_with(suffix);  // sub-domains only
  }
  return name == suffix || name.ends_with('.' + suffix);
}

}  // namespace

bool bypasses_proxy(std::string_view no_proxy, const HostPort& target) {
  const std::optional<SocketAddress> address = as_address(target.host);
  if (ascii::equals_ignore_case(target.host, "localhost") ||
      (address.has_value() &&
       (is_in_network(*address, "127.0.0.0/8") || is_in_network(*address, "::1/128")))) {
    return true;  // as Go does: no proxy can reach this machine's loopback for us
  }
  for (const std::string_view part : ascii::split(no_proxy, ',')) {
    const std::string_view entry = ascii::trim(part);
    if (entry == "*" || (!entry.empty() && matches(entry, target, address))) {
      return true;
    }
  }
  return false;
}

}  // namespace roadstead::net
