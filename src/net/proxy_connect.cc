// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_connect.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/ascii.h"
#include "codec/base64.h"
#include "net/address.h"
#include "net/connect_fault.h"
#include "net/peek.h"

namespace roadstead::net {
namespace {

constexpr std::size_t kMostAnswerBytes = 16 * 1024;
constexpr std::size_t kMostUrlBytes = 2048;
constexpr std::size_t kMostReasonShown = 80;

int hex_value(char c) {
  const char low = ascii::lower(c);
  if (ascii::is_digit(low)) {
    return low - '0';
  }
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error(ErrorKind::InvalidArgument,
                     "proxy address: a % in user or password must be followed by two hex digits");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      return Error(ErrorKind::InvalidArgument,
                   "proxy address: user or password has a control character");
    }
    out += c;
  }
  return out;
}

std::string connect_request(const HttpProxy& proxy, const std::string& target) {
  std::string out = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (proxy.basic_credentials.has_value()) {
    out += "Proxy-Authorization: Basic " + codec::base64_encode(proxy.basic_credentials->reveal()) +
           "\r\n";
  }
  return out + "\r\n";
}

// A fresh connection has room for it at once.
Result<void> send_request(const Socket& socket, std::string_view text, const std::string& what) {
  const ssize_t n = ::send(socket.fd(), text.data(), text.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(text.size())) {
    return Error(ErrorKind::Network, what + ": " + errno_text(n < 0 ? errno : EMSGSIZE));
  }
  return {};
}

// "HTTP/1.1 407 Proxy Authentication Required" -> 407; 0 when it is no status line.
int status_of(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return 0;
  }
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (!ascii::is_digit(c)) {
      return 0;
    }
    status = status * 10 + (c - '0');
  }
  return status;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMostReasonShown));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

Result<void> judge(std::string_view head, const HttpProxy& proxy, const std::string& what) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const int status = status_of(line);
  if (status == 0) {
    return with_fault(Error(ErrorKind::Upstream, what + ": it does not answer as an HTTP proxy"),
                      ConnectFault::ProxyRefused);
  }
  if (status >= 200 && status < 300) {
    return {};
  }
  std::string text = what + ": it answered " + printable(line.substr(9));
  if (status == 407) {
    text += proxy.basic_credentials.has_value()
                ? " (it does not accept the user and password of the proxy address)"
                : " (put user:password@ before the host of the proxy address)";
  }
  return with_fault(Error(ErrorKind::Upstream, std::move(text)),
                    status == 407 ? ConnectFault::ProxyCredential : ConnectFault::ProxyRefused);
}

io::Task<Result<void>> read_answer(io::Shard& shard, Socket& socket, const HttpProxy& proxy,
                                   std::string what, Deadline deadline) {
  Result<void> verdict;
  Look look = [&](std::span<const std::byte> bytes) -> Result<std::optional<std::size_t>> {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    constexpr std::string_view kStart = "HTTP/1.";
    const std::size_t seen = std::min(text.size(), kStart.size());
    const std::size_t end = text.find("\r\n\r\n");
    if (text.substr(0, seen) == kStart.substr(0, seen) && end == std::string_view::npos) {
      return std::optional<std::size_t>();
    }
    verdict = judge(text.substr(0, std::min(end, text.size())), proxy, what);
    return std::optional(end == std::string_view::npos ? 0 : end + 4);
  };
  CO_TRY_VOID(
      co_await peek_until(shard, socket, kMostAnswerBytes, what, deadline, std::move(look)));
  co_return verdict;
}

}  // namespace

Result<HttpProxy> parse_http_proxy(std::string_view url) {
  // The text may hold a password: messages do not repeat it.
  if (url.size() > kMostUrlBytes) {
    return Error(ErrorKind::InvalidArgument, "proxy address: longer than 2 KiB");
  }
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    const std::string scheme = ascii::to_lower(url.substr(0, scheme_end));
    if (scheme != "http") {
      return Error(ErrorKind::Unsupported,
                   "proxy address: only http:// proxies are supported, which carry TLS "
                   "connections unopened; this one is " +
                       printable(scheme) + "://");
    }
    url.remove_prefix(scheme_end + 3);
  }
  if (url.ends_with('/')) {
    url.remove_suffix(1);
  }
  HttpProxy proxy;
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    TRY(std::string credentials, percent_decode(url.substr(0, at)));
    if (credentials.find(':') == std::string::npos) {
      credentials += ':';
    }
    proxy.basic_credentials = Secret(std::move(credentials));
    url.remove_prefix(at + 1);
  }
  TRY(proxy.address, parse_host_port(url, "80").with_context("proxy"));
  return proxy;
}

io::Task<Result<Socket>> dial_through(io::Shard& shard, io::BlockingPool& resolver,
                                      const ProxySettings& settings, HostPort target,
                                      Deadline deadline) {
  if (!settings.proxy.has_value() || bypasses_proxy(settings.no_proxy, target)) {
    co_return co_await dial(shard, resolver, std::move(target), deadline);
  }
  const HttpProxy proxy = *settings.proxy;
  const std::string name = format_host_port(target);
  const std::string proxy_name = format_host_port(proxy.address);
  CO_TRY_VOID(parse_host_port(name, ""));  // nothing that would end the request line
  const std::string what = "proxy " + proxy_name + ", CONNECT " + name;
  Result<Socket> dialled = co_await dial(shard, resolver, proxy.address, deadline);
  if (!dialled.ok()) {
    co_return with_fault(std::move(dialled).error().with_context("proxy " + proxy_name),
                         ConnectFault::ProxyNotReached);
  }
  Socket socket = std::move(*dialled);
  CO_TRY_VOID(send_request(socket, connect_request(proxy, name), what));
  CO_TRY_VOID(co_await read_answer(shard, socket, proxy, what, deadline));
  socket.set_peer_address(name + " (through proxy " + proxy_name + ")");
  co_return socket;
}

}  // namespace roadstead::net
