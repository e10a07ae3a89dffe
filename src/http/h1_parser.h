// SPDX-License-Identifier: Apache-2.0
// Heads of HTTP/1.1 messages (RFC 9112 sections 2 to 6) without I/O. Strict on purpose: whatever
// two parsers might read differently is refused. Plain values, usable on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace roadstead::http {

inline constexpr std::size_t kMaxHeaderFields = 256;

// How the end of a body is found (RFC 9112 section 6.3).
enum class BodyKind : unsigned char { None, Length, Chunked, UntilClose };

struct H1Framing {
  BodyKind kind = BodyKind::None;
  std::uint64_t length = 0;  // for Length, > 0
  bool operator==(const H1Framing&) const = default;
};

// Why a head is refused; `status` is what a server answers.
struct H1Reject {
  int status = 400;
  std::string_view why;
};

struct H1Request {
  RequestHead head;
  H1Framing framing;
  bool keep_alive = true;
  bool upgrade = false;  // `connection: upgrade` and an Upgrade field
  bool expect_continue = false;
};

struct H1Response {
  ResponseHead head;
  H1Framing framing;
  bool keep_alive = true;
};

// Finds where a head ends while its bytes arrive, and refuses a bare LF as soon as it is seen.
class H1HeadScanner {
 public:
  enum class State : unsigned char { More, Complete, BareLf, TooLarge };

  explicit H1HeadScanner(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  // `bytes` begins with what was given before.
  State scan(std::string_view bytes);
  std::size_t head_bytes() const { return position_; }  // with the empty line; once Complete
  void reset() { position_ = line_start_ = 0; }

 private:
  std::size_t max_bytes_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
};

// `head` is a whole head as the scanner delimits it. nullopt: accepted, `out` is filled.
std::optional<H1Reject> parse_request(std::string_view head, H1Request& out);
// `to_head`: the request was HEAD. A 101 has the framing None; its bytes are the upgraded protocol.
std::optional<H1Reject> parse_response(std::string_view head, bool to_head, H1Response& out);

// Field lines, each with its CRLF, without the empty line. Appends to `out`.
std::optional<H1Reject> parse_field_lines(std::string_view lines, std::size_t max_fields,
                                          Headers& out);

// uri-host [ ":" port ] of RFC 3986, not empty, without user information.
bool is_authority(std::string_view text);
// Visible ASCII without "#": what may stand between the spaces of a request line.
bool is_request_target(std::string_view text);
// 1 to 18 digits.
std::optional<std::uint64_t> parse_content_length(std::string_view text);

}  // namespace roadstead::http
