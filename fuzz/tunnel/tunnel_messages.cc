// SPDX-License-Identifier: Apache-2.0
// The control stream: slicing changes nothing, and what is taken can be said again.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "tunnel/protocol.h"

namespace {

using namespace roadstead;
using tunnel::MessageReader;

struct Seen {
  std::vector<codec::json::object> messages;
  bool failed = false;
};

Seen read(std::string_view wire, std::size_t slice) {
  Seen seen;
  MessageReader reader;
  for (std::size_t at = 0; at < wire.size() && !seen.failed; at += slice) {
    auto messages = reader.feed(wire.substr(at, slice));
    seen.failed = !messages.ok();
    if (messages.ok()) {
      for (auto& message : *messages) {
        seen.messages.push_back(std::move(message));
      }
    }
  }
  return seen;
}

void check_known(const codec::json::object& message) {
  CHECK(!tunnel::message_type(message).empty(), "a message has a type");
  if (const auto hello = tunnel::Hello::from_json(message); hello.ok()) {
    const auto again = tunnel::Hello::from_json(hello->to_json());
    CHECK(again.ok() && again->replica == hello->replica && again->version == hello->version,
          "a hello can be said again");
  }
  if (const auto report = tunnel::ApiServerReport::from_json(message); report.ok()) {
    CHECK(tunnel::ApiServerReport::from_json(report->to_json()).ok(), "so can a report");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t slice = data[0] % 16 + 1;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = read(wire, wire.size() + 1);
  const Seen sliced = read(wire, slice);
  // A failure hides what came in the same piece, so only the messages before it can be compared.
  CHECK(sliced.messages.size() >= whole.messages.size(), "slices lose nothing");
  CHECK(sliced.failed == whole.failed, "slices fail alike");
  for (std::size_t i = 0; i < whole.messages.size(); ++i) {
    CHECK(whole.messages[i] == sliced.messages[i], "and give the same");
    check_known(whole.messages[i]);
  }
  // The text alone, so that the fuzzer need not guess lengths.
  if (const auto value = codec::parse_json(wire); value.ok() && value->is_object()) {
    const Seen framed = read(tunnel::frame_message(value->get_object()), slice);
    CHECK(framed.failed || framed.messages.size() == 1, "one frame is one message");
    for (const auto& message : framed.messages) {
      check_known(message);
    }
  }
  return 0;
}
