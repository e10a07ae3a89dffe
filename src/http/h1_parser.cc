// SPDX-License-Identifier: Apache-2.0
#include "http/h1_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/ascii.h"

namespace roadstead::http {
namespace {

using Rejected = std::optional<H1Reject>;

constexpr std::size_t kMaxLengthDigits = 18;

H1Reject bad(std::string_view why) { return {400, why}; }

// The text before the first CRLF, which is taken off too. The scanner has seen to it that every LF
// follows a CR.
std::string_view take_line(std::string_view& rest) {
  const std::size_t lf = rest.find('\n');
  const std::string_view line = rest.substr(0, lf - 1);
  rest.remove_prefix(lf + 1);
  return line;
}

bool is_status_line_text(std::string_view text) { return is_field_value(text); }

// What the framing fields say together; both sides share this.
struct Framing {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool upgrade = false;
};

Rejected read_connection(std::string_view value, Framing& framing) {
  for (const std::string_view part : ascii::split(value, ',')) {
    const std::string_view option = ascii::trim(part);
    if (option.empty()) {
      continue;
    }
    if (!is_token(option)) {
      return bad("the Connection field is not a list of tokens");
    }
    framing.close = framing.close || ascii::equals_ignore_case(option, "close");
    framing.upgrade = framing.upgrade || ascii::equals_ignore_case(option, "upgrade");
  }
  return std::nullopt;
}

Rejected read_framing(const Headers& headers, Framing& framing) {
  for (const Header& field : headers) {
    if (field.name == "content-length") {
      if (framing.length.has_value()) {
        return bad("Content-Length is repeated");
      }
      framing.length = parse_content_length(field.value);
      if (!framing.length.has_value()) {
        return bad("Content-Length is not a plain number");
      }
    } else if (field.name == "transfer-encoding") {
      if (framing.chunked) {
        return bad("Transfer-Encoding is repeated");
      }
      if (!ascii::equals_ignore_case(field.value, "chunked")) {
        return H1Reject{501, "the only transfer coding served is chunked"};
      }
      framing.chunked = true;
    } else if (field.name == "connection" || field.name == "proxy-connection") {
      Framing ignored;
      const bool ours = field.name == "connection";
      if (auto reject = read_connection(field.value, ours ? framing : ignored)) {
        return reject;
      }
    }
  }
  if (framing.chunked && framing.length.has_value()) {
    return bad("Content-Length and Transfer-Encoding are both present");
  }
  return std::nullopt;
}

H1Framing body_framing(const Framing& framing, BodyKind otherwise) {
  if (framing.chunked) {
    return {BodyKind::Chunked, 0};
  }
  if (framing.length.has_value()) {
    return *framing.length == 0 ? H1Framing{} : H1Framing{BodyKind::Length, *framing.length};
  }
  return {otherwise, 0};
}

// "HTTP/1.1": nullopt. Anything else that looks like a version is 505.
Rejected check_version(std::string_view version) {
  if (version == "HTTP/1.1") {
    return std::nullopt;
  }
  const bool looks_right = version.size() == 8 && version.starts_with("HTTP/") &&
                           ascii::is_digit(version[5]) && version[6] == '.' &&
                           ascii::is_digit(version[7]);
  return looks_right ? H1Reject{505, "only HTTP/1.1 and HTTP/2 are served"}
                     : bad("the HTTP version is malformed");
}

// RFC 9112 section 3.2: the four forms of a request target.
Rejected read_target(std::string_view target, RequestHead& head) {
  if (!is_request_target(target)) {
    return bad("the request target holds bytes that do not belong there");
  }
  if (head.method == "CONNECT") {
    if (!is_authority(target)) {
      return bad("the target of CONNECT must be host:port");
    }
    head.authority = target;
    head.target.clear();
    return std::nullopt;
  }
  if (target.front() == '/' || (target == "*" && head.method == "OPTIONS")) {
    head.target = target;
    return std::nullopt;
  }
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (ascii::starts_with_ignore_case(target, scheme)) {
      head.scheme = scheme.substr(0, scheme.size() - 3);
      target.remove_prefix(scheme.size());
      const std::size_t end = std::min(target.find_first_of("/?"), target.size());
      head.authority = target.substr(0, end);
      target.remove_prefix(end);
      if (!is_authority(head.authority)) {
        return bad("the request target names no valid host");
      }
      head.target = target.empty() && head.method == "OPTIONS" ? "*" : "";
      if (head.target.empty()) {
        head.target = target.starts_with('/') ? "" : "/";
        head.target += target;
      }
      return std::nullopt;
    }
  }
  return bad("the request target is not a path");
}

Rejected read_host(RequestHead& head) {
  if (head.headers.count("host") != 1) {
    return bad("exactly one Host field is required");
  }
  const std::string host = *head.headers.find("host");
  if (!is_authority(host)) {
    return bad("the Host field is not a host name");
  }
  // RFC 9112 section 3.2.2 lets the target win over Host; two different names are refused instead.
  if (!head.authority.empty() && !ascii::equals_ignore_case(head.authority, host)) {
    return bad("the request target and Host name different hosts");
  }
  head.authority = host;
  head.headers.remove("host");
  return std::nullopt;
}

Rejected read_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == line.npos ? first : line.find(' ', first + 1);
  if (second == line.npos) {
    return bad("the request line is not: method, target, version");
  }
  head.method = line.substr(0, first);
  if (!is_token(head.method)) {
    return bad("the method is not a token");
  }
  if (auto reject = check_version(line.substr(second + 1))) {
    return reject;
  }
  return read_target(line.substr(first + 1, second - first - 1), head);
}

Rejected read_expectation(H1Request& request) {
  const std::string* expect = request.head.headers.find("expect");
  if (expect == nullptr) {
    return std::nullopt;
  }
  if (!ascii::equals_ignore_case(*expect, "100-continue") ||
      request.head.headers.count("expect") > 1) {
    return H1Reject{417, "the only expectation served is 100-continue"};
  }
  request.expect_continue = request.framing.kind != BodyKind::None;
  return std::nullopt;
}

Rejected read_status_line(std::string_view line, int& status, bool& http_1_0) {
  if (line.size() < 13 || !line.starts_with("HTTP/1.") || (line[7] != '1' && line[7] != '0') ||
      line[8] != ' ' || line[12] != ' ') {
    return bad("the status line is malformed");
  }
  http_1_0 = line[7] == '0';
  status = 0;
  for (const char digit : line.substr(9, 3)) {
    if (!ascii::is_digit(digit)) {
      return bad("the status is not a number");
    }
    status = status * 10 + (digit - '0');
  }
  if (status < 100 || status > 599) {
    return bad("the status is out of range");
  }
  if (!is_status_line_text(line.substr(13))) {
    return bad("the reason phrase holds control characters");
  }
  return std::nullopt;
}

Rejected read_field_line(std::string_view line, Headers& out) {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    return bad("a header line is folded");
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) {
    return bad("a header line has no colon");
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = ascii::trim(line.substr(colon + 1));
  if (!is_token(name)) {
    return bad("a header name is not a token");
  }
  if (!is_field_value(value)) {
    return bad("a header value holds control characters");
  }
  out.add(ascii::to_lower(name), std::string(value));
  return std::nullopt;
}

bool is_host_byte(char c) {
  // RFC 3986 reg-name: unreserved, pct-encoded, sub-delims without the comma and quotes that would
  // let one value look like two.
  return ascii::is_alpha(c) || ascii::is_digit(c) ||
         std::string_view("-._~%!$&()*+;=").find(c) != std::string_view::npos;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), ascii::is_digit);
}

}  // namespace

H1HeadScanner::State H1HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    const std::size_t lf = bytes.find('\n', position_);
    if (lf == bytes.npos) {
      position_ = bytes.size();
      return bytes.size() >= max_bytes_ ? State::TooLarge : State::More;
    }
    if (lf == line_start_ || bytes[lf - 1] != '\r') {
      return State::BareLf;
    }
    position_ = lf + 1;
    if (position_ > max_bytes_) {
      return State::TooLarge;
    }
    if (lf == line_start_ + 1) {
      return State::Complete;
    }
    line_start_ = position_;
  }
}

std::optional<H1Reject> parse_field_lines(std::string_view lines, std::size_t max_fields,
                                          Headers& out) {
  while (!lines.empty()) {
    if (out.size() >= max_fields) {
      return H1Reject{431, "there are too many header fields"};
    }
    if (auto reject = read_field_line(take_line(lines), out)) {
      return reject;
    }
  }
  return std::nullopt;
}

std::optional<H1Reject> parse_request(std::string_view head, H1Request& out) {
  out = H1Request{};
  const std::string_view line = take_line(head);
  if (auto reject = read_request_line(line, out.head)) {
    return reject;
  }
  head.remove_suffix(2);
  if (auto reject = parse_field_lines(head, kMaxHeaderFields, out.head.headers)) {
    return reject;
  }
  Framing framing;
  if (auto reject = read_framing(out.head.headers, framing)) {
    return reject;
  }
  if (auto reject = read_host(out.head)) {
    return reject;
  }
  out.framing = body_framing(framing, BodyKind::None);
  out.keep_alive = !framing.close;
  out.upgrade = framing.upgrade && out.head.headers.has("upgrade");
  return read_expectation(out);
}

std::optional<H1Reject> parse_response(std::string_view head, bool to_head, H1Response& out) {
  out = H1Response{};
  bool http_1_0 = false;
  if (auto reject = read_status_line(take_line(head), out.head.status, http_1_0)) {
    return reject;
  }
  head.remove_suffix(2);
  if (auto reject = parse_field_lines(head, kMaxHeaderFields, out.head.headers)) {
    return reject;
  }
  Framing framing;
  if (auto reject = read_framing(out.head.headers, framing)) {
    return reject;
  }
  const int status = out.head.status;
  if (framing.chunked && (http_1_0 || status < 200 || status == 204)) {
    return bad("Transfer-Encoding does not belong in this response");
  }
  const bool bodiless = to_head || status < 200 || status == 204 || status == 304;
  out.framing = bodiless ? H1Framing{} : body_framing(framing, BodyKind::UntilClose);
  out.keep_alive = !http_1_0 && !framing.close && out.framing.kind != BodyKind::UntilClose;
  return std::nullopt;
}

bool is_authority(std::string_view text) {
  if (text.starts_with('[')) {  // IP-literal
    const std::size_t end = text.find(']');
    if (end == text.npos || end < 3) {
      return false;
    }
    const std::string_view inside = text.substr(1, end - 1);
    const bool address = std::all_of(inside.begin(), inside.end(), [](char c) {
      return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'f') || c == ':' ||
             c == '.';
    });
    const std::string_view port = text.substr(end + 1);
    return address && (port.empty() || (port.front() == ':' && is_port(port.substr(1))));
  }
  const std::size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  return !host.empty() && host.size() <= 255 &&
         std::all_of(host.begin(), host.end(), is_host_byte) &&
         (colon == text.npos || is_port(text.substr(colon + 1)));
}

bool is_request_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > kMaxLengthDigits) {
    return std::nullopt;
  }
  std::uint64_t length = 0;
  for (const char digit : text) {
    if (!ascii::is_digit(digit)) {
      return std::nullopt;
    }
    length = length * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return length;
}

}  // namespace roadstead::http
