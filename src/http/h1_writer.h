// SPDX-License-Identifier: Apache-2.0
// Heads of HTTP/1.1 messages as text. Framing and connection fields are ours: those of the caller
// are left out, and a field that could be read as something else is refused (InvalidArgument).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/h1_body.h"
#include "http/h1_parser.h"

namespace roadstead::http {

// How a message that we write is framed, and what its Connection field says.
struct H1Writing {
  BodyKind kind = BodyKind::None;
  // Written as Content-Length when present; with kind None also (HEAD, 304, an empty body).
  std::optional<std::uint64_t> length;
  bool close = false;
  bool upgrade = false;  // keeps the Upgrade field
};

Result<void> append_request_head(std::string& out, const RequestHead& head,
                                 const H1Writing& writing);
Result<void> append_response_head(std::string& out, const ResponseHead& head,
                                  const H1Writing& writing);

// Names are lower-case tokens, values hold no control characters.
Result<void> check_fields(const Headers& headers);

// check_fields, and none that frames or routes the message.
Result<void> check_trailers(const Headers& trailers);

// A whole response with `connection: close` and a Kubernetes `Status` body. `why` is our own text
// and needs no escaping.
std::string status_response(int status, std::string_view why, bool with_body);

}  // namespace roadstead::http
