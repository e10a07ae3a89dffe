// SPDX-License-Identifier: Apache-2.0
#include "net/client_hello.h"

#include <algorithm>
#include <cstdint>

#include "base/ascii.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostBytes = 16 * 1024;
constexpr std::size_t kMostRecord = 16 * 1024;
constexpr std::size_t kMostName = 255;
constexpr std::size_t kMostProtocols = 32;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kAlpnExtension = 16;

Error broken(std::string_view what) {
  return {ErrorKind::Protocol, "not a TLS ClientHello: " + std::string(what)};
}

// Reads big-endian numbers and length-prefixed vectors; `ok` turns false at the first that does not
// fit, and everything read after that is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const char c : bytes(width)) {
      value = value << 8 | static_cast<std::uint8_t>(c);
    }
    return value;
  }
  std::string_view bytes(std::size_t length) {
    if (length > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return out;
  }
  std::string_view vector(std::size_t width) { return bytes(number(width)); }
  bool empty() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// What RFC 6066 section 3 allows, and no more: names go into logs and look-ups. An underscore is
// common in practice.
bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostName && name.back() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return ascii::is_alpha(c) || ascii::is_digit(c) || c == '-' || c == '.' || c == '_' ||
                  c == ':';
         });
}

Result<void> read_server_name(std::string_view extension, ClientHello& out) {
  Reader reader(extension);
  Reader names(reader.vector(2));
  if (!reader.ok() || !reader.empty() || names.empty()) {
    return broken("server_name");
  }
  while (!names.empty()) {
    const std::size_t type = names.number(1);
    const std::string_view name = names.vector(2);
    if (!names.ok()) {
      return broken("server_name");
    }
    if (type != 0) {
      continue;
    }
    if (!out.server_name.empty() || !is_host_name(name)) {
      return broken("the server name is not a host name");
    }
    out.server_name = ascii::to_lower(name);
  }
  return {};
}

Result<void> read_alpn(std::string_view extension, ClientHello& out) {
  Reader reader(extension);
  Reader protocols(reader.vector(2));
  if (!reader.ok() || !reader.empty() || protocols.empty()) {
    return broken("ALPN");
  }
  while (!protocols.empty()) {
    const std::string_view protocol = protocols.vector(1);
    if (!protocols.ok() || protocol.empty() || out.alpn.size() >= kMostProtocols) {
      return broken("ALPN");
    }
    out.alpn.emplace_back(protocol);
  }
  return {};
}

Result<void> read_message(std::string_view message, ClientHello& out) {
  Reader reader(message);
  reader.number(2);  // legacy_version
  reader.bytes(32);  // random
  const std::string_view session_id = reader.vector(1);
  const std::string_view suites = reader.vector(2);
  const std::string_view compressions = reader.vector(1);
  if (!reader.ok() || session_id.size() > 32 || suites.empty() || suites.size() % 2 != 0 ||
      compressions.empty()) {
    return broken("wrong lengths");
  }
  if (reader.empty()) {
    return {};  // TLS 1.2 without extensions
  }
  Reader extensions(reader.vector(2));
  if (!reader.ok() || !reader.empty()) {
    return broken("wrong lengths");
  }
  bool has_name = false;
  bool has_alpn = false;
  while (!extensions.empty()) {
    const std::size_t type = extensions.number(2);
    const std::string_view data = extensions.vector(2);
    if (!extensions.ok()) {
      return broken("wrong lengths");
    }
    if (type == kServerNameExtension) {
      if (std::exchange(has_name, true)) {
        return broken("server_name appears twice");
      }
      TRY_VOID(read_server_name(data, out));
    } else if (type == kAlpnExtension) {
      if (std::exchange(has_alpn, true)) {
        return broken("ALPN appears twice");
      }
      TRY_VOID(read_alpn(data, out));
    }
  }
  return {};
}

}  // namespace

Result<HelloState> parse_client_hello(std::span<const std::byte> bytes, ClientHello& out) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()),
                        std::min(bytes.size(), kMostBytes));
  const auto need_more = [&bytes]() -> Result<HelloState> {
    return bytes.size() >= kMostBytes ? Result<HelloState>(broken("longer than 16 KiB"))
                                      : Result<HelloState>(HelloState::NeedMore);
  };
  // The message may be spread over several records (RFC 8446 section 5.1).
  std::string message;
  for (;;) {
    if (!rest.empty() && static_cast<std::uint8_t>(rest[0]) != kHandshakeRecord) {
      return broken("no handshake record");
    }
    if (rest.size() > 1 && rest[1] != 3) {
      return broken("no TLS version");
    }
    if (rest.size() < 5) {
      return need_more();
    }
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[3]) << 8 |
                                                 static_cast<std::uint8_t>(rest[4]));
    if (length == 0 || length > kMostRecord) {
      return broken("wrong record length");
    }
    rest.remove_prefix(5);
    message += rest.substr(0, length);
    const bool partial = rest.size() < length;
    rest.remove_prefix(std::min(length, rest.size()));

    if (!message.empty() && static_cast<std::uint8_t>(message[0]) != kClientHelloMessage) {
      return broken("another handshake message");
    }
    if (message.size() >= 4) {
      Reader header(std::string_view(message).substr(1));
      const std::size_t wanted = header.number(3);
      if (wanted > kMostBytes) {
        return broken("longer than 16 KiB");
      }
      if (message.size() >= wanted + 4) {
        ClientHello hello;
        TRY_VOID(read_message(std::string_view(message).substr(4, wanted), hello));
        out = std::move(hello);
        return HelloState::Complete;
      }
    }
    if (partial) {
      return need_more();
    }
  }
}

}  // namespace roadstead::net
