// SPDX-License-Identifier: Apache-2.0
#include "http/h2_fields.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/ascii.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2
// A block is still decoded far beyond the limit so that it can be answered with 431; beyond this
// many times the limit the stream is reset instead.
constexpr std::size_t kFloodFactor = 4;
constexpr std::size_t kUsualFields = 14;  // room for them from the start

// "200" and its neighbours, without an allocation for each response.
std::string_view status_text(int status) {
  static const auto table = [] {
    std::array<std::array<char, 3>, 1000> digits{};
    for (int i = 0; i < 1000; ++i) {
      digits[static_cast<std::size_t>(i)] = {static_cast<char>('0' + i / 100),
                                             static_cast<char>('0' + i / 10 % 10),
                                             static_cast<char>('0' + i % 10)};
    }
    return digits;
  }();
  const auto& text = table[static_cast<std::size_t>(status)];
  return {text.data(), text.size()};
}

// RFC 9113 section 8.2.2; "te" may only say "trailers".
bool belongs_to_connection(const Header& h) {
  switch (h.name.size()) {
    case 2:
      return h.name == "te" && !ascii::equals_ignore_case(h.value, "trailers");
    case 4:
      return h.name == "host";
    case 7:
      return h.name == "upgrade";
    case 10:
      return h.name == "connection" || h.name == "keep-alive";
    case 14:
      return h.name == "http2-settings";
    case 16:
      return h.name == "proxy-connection";
    case 17:
      return h.name == "transfer-encoding";
    default:
      return false;
  }
}

// Differs with every message: in an HPACK table it would push out what repeats.
constexpr std::string_view kRequestNumber = "audit-id";

// Credentials never enter an HPACK table, whoever built the head (RFC 7541 section 7.1.3).
bool is_credential(std::string_view name) {
  return name == "authorization" || name == "cookie" || name == "set-cookie" ||
         name == "proxy-authorization";
}

std::uint8_t* bytes_of(std::string_view text) {
  // nghttp2 takes pointers to non-const and does not write through them.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

bool valid(const Header& h) {
  return nghttp2_check_header_name(bytes_of(h.name), h.name.size()) != 0 && h.name.front() != ':' &&
         nghttp2_check_header_value_rfc9113(bytes_of(h.value), h.value.size()) != 0;
}

// Visible characters only.
bool valid_pseudo(std::string_view value) {
  return nghttp2_check_path(bytes_of(value), value.size()) != 0 && !value.empty();
}

}  // namespace

void FieldBlock::add(std::string_view name, std::string_view value, bool never_indexed) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  constexpr unsigned kBorrowed = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  const unsigned flags = kBorrowed | (never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : 0U);
  fields_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(),
                     static_cast<std::uint8_t>(flags)});
}

Result<void> FieldBlock::add_all(const Headers& headers, std::size_t max_bytes) {
  for (const Header& h : headers) {
    if (belongs_to_connection(h)) {
      continue;
    }
    if (!h.checked && !valid(h)) {
      return Error(ErrorKind::InvalidArgument, "header field \"" + h.name + "\" is malformed");
    }
    add(h.name, h.value, h.sensitive || h.name == kRequestNumber || is_credential(h.name));
  }
  if (bytes_ > max_bytes || fields_.size() > kMaxFields) {
    return Error(ErrorKind::PayloadTooLarge, "header block of " + std::to_string(bytes_) +
                                                 " bytes in " + std::to_string(fields_.size()) +
                                                 " fields is too large");
  }
  return {};
}

Result<FieldBlock> FieldBlock::of(const RequestHead& head, std::size_t max_bytes) {
  FieldBlock block;
  block.fields_.reserve(head.headers.size() + 5);
  const bool plain_connect = head.method == "CONNECT" && head.protocol.empty();
  if (!is_token(head.method) || (!plain_connect && !valid_pseudo(head.target)) ||
      (!head.authority.empty() && !valid_pseudo(head.authority))) {
    return Error(ErrorKind::InvalidArgument, "request line cannot be sent over HTTP/2");
  }
  block.add(":method", head.protocol.empty() ? std::string_view(head.method) : "CONNECT", false);
  if (!head.protocol.empty()) {
    block.add(":protocol", head.protocol, false);
  }
  if (!plain_connect) {
    block.add(":scheme", head.scheme, false);
    block.add(":path", head.target, false);
  }
  if (!head.authority.empty()) {
    block.add(":authority", head.authority, false);
  }
  TRY_VOID(block.add_all(head.headers, max_bytes));
  return block;
}

Result<FieldBlock> FieldBlock::of(const ResponseHead& head, std::size_t max_bytes) {
  if (head.status < 100 || head.status > 999 || head.status == 101) {
    return Error(ErrorKind::InvalidArgument,
                 "status " + std::to_string(head.status) + " cannot be sent over HTTP/2");
  }
  FieldBlock block;
  block.fields_.reserve(head.headers.size() + 1);
  block.add(":status", status_text(head.status), false);
  TRY_VOID(block.add_all(head.headers, max_bytes));
  return block;
}

Result<FieldBlock> FieldBlock::of(const Headers& trailers, std::size_t max_bytes) {
  FieldBlock block;
  block.fields_.reserve(trailers.size());
  TRY_VOID(block.add_all(trailers, max_bytes));
  return block;
}

void begin_block(H2Stream& stream) {
  stream.block.clear();
  stream.block.reserve(kUsualFields);
  stream.block_bytes = 0;
  stream.block_too_large = false;
  stream.block_status = 0;
  stream.block_cookie.clear();
}

FieldOutcome add_field(H2Stream& stream, std::string_view name, std::string_view value,
                       bool sensitive, std::size_t max_bytes) {
  stream.block_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream.block_bytes > max_bytes || stream.block.size() >= kMaxFields) {
    stream.block_too_large = true;
    return stream.block_bytes > kFloodFactor * max_bytes ? FieldOutcome::Flood
                                                         : FieldOutcome::TooLarge;
  }
  if (name.front() == ':') {
    // nghttp2 has checked which of them may appear, and how often.
    RequestHead& request = stream.request;
    if (name == ":method") {
      request.method = value;
    } else if (name == ":path") {
      request.target = value;
    } else if (name == ":authority") {
      request.authority = value;
    } else if (name == ":scheme") {
      request.scheme = value;
    } else if (name == ":protocol") {
      request.protocol = value;
    } else if (name == ":status" && value.size() == 3) {
      stream.block_status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
    }
    return FieldOutcome::Kept;
  }
  if (name == "cookie" && !stream.request.method.empty()) {
    stream.block_cookie.append(stream.block_cookie.empty() ? "" : "; ").append(value);
    return FieldOutcome::Kept;
  }
  // nghttp2 has checked name and value (RFC 9113 section 8.2.1).
  stream.block.add_checked(name, value, sensitive);
  return FieldOutcome::Kept;
}

bool finish_request_block(H2Stream& stream) {
  RequestHead& request = stream.request;
  request.http2 = true;
  if (const std::string* host = stream.block.find("host")) {
    if (stream.block.count("host") > 1 ||
        (!request.authority.empty() && !ascii::equals_ignore_case(request.authority, *host))) {
      return false;
    }
    request.authority = *host;
    stream.block.remove("host");
  }
  if (!stream.block_cookie.empty()) {
    stream.block.add("cookie", std::exchange(stream.block_cookie, {}), true);
  }
  request.headers = std::exchange(stream.block, {});
  stream.continue_wanted = request.headers.has_token("expect", "100-continue");
  return true;
}

}  // namespace roadstead::http
