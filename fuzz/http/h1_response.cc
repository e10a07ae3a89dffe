// SPDX-License-Identifier: Apache-2.0
// Responses: slicing changes nothing, what is accepted can be written and read again, and nothing
// is accepted that Boost.Beast refuses or frames in another way.
#include <cstddef>
#include <cstdint>
#include <string>

#include "h1_slices.h"
#include "http/h1_beast_reference.h"
#include "http/h1_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  using namespace roadstead::http;
  const std::string wire(reinterpret_cast<const char*>(data), size);
  std::size_t head = 0;
  if (scan_sliced(wire, 65536, size + 1, head) != H1HeadScanner::State::Complete) {
    return 0;
  }
  H1Response response;
  if (!parse_response(std::string_view(wire).substr(0, head), false, response)) {
    check_slices(response.framing, std::string_view(wire).substr(head));
    H1Writing writing;
    writing.kind = BodyKind::Chunked;
    std::string text;
    CHECK(append_response_head(text, response.head, writing).ok(),
          "an accepted head can be sent on");
    H1Response again;
    CHECK(response.head.status < 200 || response.head.status == 204 ||
              (!parse_response(text, false, again) && again.head.status == response.head.status),
          text);
  }
  const std::string difference = reference::difference<false>(wire);
  CHECK(difference.empty(), difference);
  return 0;
}
