// SPDX-License-Identifier: Apache-2.0
// The same bytes in one piece and in slices must give the same body.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/h1_body.h"

namespace roadstead::http {

struct DecodedBody {
  std::string payload;
  std::size_t used = 0;
  bool refused = false;
  bool ended = false;
  bool operator==(const DecodedBody&) const = default;
};

inline DecodedBody decode_sliced(H1Framing framing, std::string_view wire, std::size_t slice) {
  H1Body body(framing);
  DecodedBody out;
  for (std::size_t end = 0; end < wire.size() && !body.ended();) {
    end = std::min(wire.size(), end + slice);
    while (out.used < end && !body.ended()) {
      std::string piece;
      const auto used = body.decode(wire.substr(out.used, end - out.used), piece, 1000);
      if (!used.ok()) {
        return {"", 0, true, false};
      }
      CHECK(*used > 0 && piece.size() <= 1000, "decode makes progress within its limit");
      out.used += *used;
      out.payload += piece;
    }
  }
  out.ended = body.ended();
  return out;
}

inline void check_slices(H1Framing framing, std::string_view wire) {
  const DecodedBody whole = decode_sliced(framing, wire, wire.size() + 1);
  CHECK(decode_sliced(framing, wire, 1) == whole, "byte by byte gives the same body");
  CHECK(decode_sliced(framing, wire, 7) == whole, "slices of 7 give the same body");
}

// The scanner's verdict does not depend on how the bytes arrive.
inline H1HeadScanner::State scan_sliced(std::string_view wire, std::size_t limit, std::size_t slice,
                                        std::size_t& head) {
  H1HeadScanner scanner(limit);
  H1HeadScanner::State state = H1HeadScanner::State::More;
  for (std::size_t end = 0; end < wire.size() && state == H1HeadScanner::State::More;) {
    end = std::min(wire.size(), end + slice);
    state = scanner.scan(wire.substr(0, end));
  }
  head = scanner.head_bytes();
  return state;
}

}  // namespace roadstead::http
