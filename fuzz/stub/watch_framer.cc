// SPDX-License-Identifier: Apache-2.0
// A watch's bytes pass unchanged in whatever pieces they come, and what was let through ends where
// it would have ended in one piece.
#include "stub/watch_framer.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace {

using roadstead::stub::WatchFramer;

struct Passed {
  std::string bytes;
  bool may_end;
};

Passed pass(WatchFramer::Format format, std::string_view wire, std::size_t slice) {
  WatchFramer framer(format);
  Passed passed{{}, true};
  for (std::size_t at = 0; at < wire.size(); at += slice) {
    passed.bytes += framer.feed(std::string(wire.substr(at, slice)));
  }
  passed.may_end = framer.may_end();
  CHECK(passed.bytes + framer.take_rest() == wire, "nothing is lost or added");
  return passed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto format : {WatchFramer::Format::JsonLines, WatchFramer::Format::LengthDelimited,
                            WatchFramer::Format::CborSequence, WatchFramer::Format::Opaque}) {
    const Passed whole = pass(format, wire, wire.size() + 1);
    const Passed sliced = pass(format, wire, data[0] % 16 + 1);
    CHECK(whole.bytes == sliced.bytes && whole.may_end == sliced.may_end, "slices change nothing");
  }
  (void)WatchFramer::format_of(wire);
  return 0;
}
