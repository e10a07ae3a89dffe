// SPDX-License-Identifier: Apache-2.0
#include "http/h1_body.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kMaxSizeDigits = 15;
constexpr std::size_t kMaxExtension = 256;         // of one chunk
constexpr std::size_t kMaxExtensions = 64 * 1024;  // of a whole body
constexpr std::size_t kMaxTrailers = 16 * 1024;
constexpr std::size_t kMaxTrailerFields = 64;

Error protocol(std::string_view why) { return {ErrorKind::Protocol, std::string(why)}; }

int hex_value(char c) {
  if (ascii::is_digit(c)) {
    return c - '0';
  }
  const char low = ascii::lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::size_t token_length(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && is_token(text.substr(n, 1))) {
    ++n;
  }
  return n;
}

// The length of a quoted-string at the front, 0 when it does not end.
std::size_t quoted_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return 0;
}

// *( ";" token [ "=" ( token / quoted-string ) ] ), without the white space that RFC 9112 calls
// bad.
bool is_extension(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') {
      return false;
    }
    text.remove_prefix(1);
    const std::size_t name = token_length(text);
    text.remove_prefix(name);
    if (name == 0) {
      return false;
    }
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      const std::size_t value = text.starts_with('"') ? quoted_length(text) : token_length(text);
      if (value == 0) {
        return false;
      }
      text.remove_prefix(value);
    }
  }
  return true;
}

H1Framing checked(H1Framing framing) {
  return framing.kind == BodyKind::Length && framing.length == 0 ? H1Framing{} : framing;
}

}  // namespace

H1Body::H1Body(H1Framing framing) {
  framing = checked(framing);
  left_ = framing.length;
  switch (framing.kind) {
    case BodyKind::None:
      state_ = State::Ended;
      break;
    case BodyKind::Length:
      state_ = State::Length;
      break;
    case BodyKind::Chunked:
      state_ = State::ChunkLine;
      break;
    case BodyKind::UntilClose:
      state_ = State::Raw;
      break;
  }
}

void H1Body::pass(std::size_t bytes) {
  if (state_ == State::Length) {
    left_ -= bytes;
    if (left_ == 0) {
      state_ = State::Ended;
    }
  }
}

Result<std::size_t> H1Body::decode(std::string_view in, std::string& out, std::size_t max) {
  std::size_t used = 0;
  std::size_t given = 0;
  while (used < in.size() && state_ != State::Ended) {
    const std::string_view rest = in.substr(used);
    const bool payload =
        state_ == State::Length || state_ == State::Raw || state_ == State::ChunkData;
    if (payload) {
      if (given == max) {
        break;
      }
      std::size_t n = std::min(rest.size(), max - given);
      if (state_ != State::Raw) {
        n = static_cast<std::size_t>(std::min<std::uint64_t>(n, left_));
      }
      out.append(rest.substr(0, n));
      given += n;
      used += n;
      if (state_ == State::ChunkData) {
        left_ -= n;
        state_ = left_ == 0 ? State::ChunkEnd : State::ChunkData;
      } else {
        pass(n);
      }
      continue;
    }
    const std::size_t limit = state_ == State::Trailers    ? kMaxTrailers - trailer_bytes_
                              : state_ == State::ChunkLine ? kMaxSizeDigits + kMaxExtension + 2
                                                           : 2;
    TRY(const std::size_t n, take_line(rest, limit));
    used += n;
    if (!line_complete_) {
      break;
    }
    line_complete_ = false;
    switch (state_) {
      case State::ChunkEnd:
        if (!line_.empty()) {
          return protocol("a chunk is longer than its size says");
        }
        state_ = State::ChunkLine;
        break;
      case State::ChunkLine:
        TRY_VOID(read_chunk_line());
        break;
      default:
        TRY_VOID(read_trailer_line());
        break;
    }
    line_.clear();
  }
  return used;
}

Result<void> H1Body::end_of_input() {
  if (state_ == State::Raw) {
    state_ = State::Ended;
  }
  if (state_ != State::Ended) {
    return Error(ErrorKind::EndOfStream, "the peer closed the connection inside a body");
  }
  return {};
}

// Collects a line in line_, without its CRLF once it is complete.
Result<std::size_t> H1Body::take_line(std::string_view in, std::size_t max) {
  const std::size_t lf = in.find('\n');
  const std::size_t n = lf == in.npos ? in.size() : lf + 1;
  if (line_.size() + n > max) {
    return protocol(state_ == State::ChunkEnd ? "a chunk is longer than its size says"
                                              : "a chunk line or the trailers are too long");
  }
  line_.append(in.substr(0, n));
  // The first CR must be the one of the line's end.
  const std::size_t cr = line_.find('\r');
  const bool bare_cr = cr != line_.npos && cr + (lf != in.npos ? 2 : 1) != line_.size();
  if (bare_cr || (lf != in.npos && cr == line_.npos)) {
    return protocol("a line of a chunked body does not end with CR LF");
  }
  if (lf != in.npos) {
    line_.resize(line_.size() - 2);
    line_complete_ = true;
  }
  return n;
}

Result<void> H1Body::read_chunk_line() {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  for (; digits < line_.size() && hex_value(line_[digits]) >= 0; ++digits) {
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line_[digits]));
    if (digits >= kMaxSizeDigits) {
      return protocol("a chunk size has too many digits");
    }
  }
  const std::string_view extension = std::string_view(line_).substr(digits);
  extension_bytes_ += extension.size();
  if (digits == 0) {
    return protocol("a chunk size is not a hexadecimal number");
  }
  if (extension.size() > kMaxExtension || extension_bytes_ > kMaxExtensions) {
    return protocol("the chunk extensions are too long");
  }
  if (!is_field_value(extension) || !is_extension(extension)) {
    return protocol("a chunk extension is malformed");
  }
  left_ = size;
  state_ = size == 0 ? State::Trailers : State::ChunkData;
  return {};
}

Result<void> H1Body::read_trailer_line() {
  if (line_.empty()) {
    state_ = State::Ended;
    return {};
  }
  trailer_bytes_ += line_.size() + 2;
  line_ += "\r\n";
  Headers one;
  if (auto reject = parse_field_lines(line_, 1, one)) {
    return protocol(reject->why).with_context("trailer");
  }
  const Header& field = *one.begin();
  if (is_forbidden_trailer(field.name)) {
    return protocol("a field that frames or routes the message came as a trailer");
  }
  if (trailers_.size() >= kMaxTrailerFields) {
    return protocol("there are too many trailers");
  }
  trailers_.add(field.name, field.value);
  return {};
}

void append_chunk_head(std::string& out, std::size_t bytes) {
  std::array<char, 18> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size() - 2, bytes, 16).ptr;
  out.append(text.data(), end);
  out += "\r\n";
}

void append_last_chunk(std::string& out, const Headers& trailers) {
  out += "0\r\n";
  for (const Header& field : trailers) {
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
  }
  out += "\r\n";
}

bool is_forbidden_trailer(std::string_view name) {
  constexpr std::array<std::string_view, 13> kForbidden = {"content-length", "transfer-encoding",
                                                           "host",           "connection",
                                                           "upgrade",        "te",
                                                           "trailer",        "keep-alive",
                                                           "authorization",  "content-encoding",
                                                           "content-type",   "content-range",
                                                           "expect"};
  return std::find(kForbidden.begin(), kForbidden.end(), name) != kForbidden.end();
}

}  // namespace roadstead::http
