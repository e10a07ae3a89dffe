// SPDX-License-Identifier: Apache-2.0
// Requests: slicing changes nothing, what is accepted can be written and read again, and nothing is
// accepted that Boost.Beast refuses or frames in another way.
#include <cstddef>
#include <cstdint>
#include <string>

#include "h1_slices.h"
#include "http/h1_beast_reference.h"
#include "http/h1_writer.h"

namespace {

using namespace roadstead;
using namespace roadstead::http;

void check_rewritten(const H1Request& request) {
  H1Writing writing;
  writing.kind = request.framing.kind;
  if (writing.kind == BodyKind::Length) {
    writing.length = request.framing.length;
  }
  writing.upgrade = request.upgrade;
  std::string text;
  const Result<void> written = append_request_head(text, request.head, writing);
  CHECK(written.ok() || request.head.method == "CONNECT", "an accepted head can be sent on");
  if (!written.ok()) {
    return;
  }
  H1Request again;
  CHECK(!parse_request(text, again), text);
  CHECK(again.head.target == request.head.target && again.head.method == request.head.method &&
            again.head.authority == request.head.authority && again.framing == request.framing &&
            again.upgrade == request.upgrade,
        text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wire(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kLimit = 65536;
  std::size_t head = 0;
  std::size_t head_by_byte = 0;
  const auto state = scan_sliced(wire, kLimit, size + 1, head);
  const auto by_byte = scan_sliced(wire, kLimit, 1, head_by_byte);
  if (state != H1HeadScanner::State::Complete) {
    return 0;
  }
  CHECK(by_byte == state && head == head_by_byte, "byte by byte gives the same head");
  H1Request request;
  if (!parse_request(std::string_view(wire).substr(0, head), request)) {
    check_slices(request.framing, std::string_view(wire).substr(head));
    check_rewritten(request);
  }
  const std::string difference = reference::difference<true>(wire);
  CHECK(difference.empty(), difference);
  return 0;
}
