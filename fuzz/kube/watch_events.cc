// SPDX-License-Identifier: Apache-2.0
// The events of a member's watch, cut anywhere: the same events whatever the pieces, and an error
// rather than anything that is no event. The first byte is the length of the pieces.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "io/simulated_loop.h"
#include "kube/rest/rest_watch.h"

namespace {

using namespace roadstead;

class Pieces final : public http::ClientExchange {
 public:
  Pieces(std::string_view text, std::size_t size) : text_(text), size_(size) {}
  io::Task<Result<void>> write(std::string_view) override { co_return Result<void>(); }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }
  io::Task<Result<http::ResponseHead>> response() override { co_return http::ResponseHead{}; }
  io::Task<Result<std::string>> read() override {
    std::string piece(text_.substr(0, size_));
    text_.remove_prefix(piece.size());
    co_return piece;
  }
  const http::Headers& trailers() const override { return none_; }
  bool not_processed() const override { return false; }
  void reset() override {}

 private:
  std::string_view text_;
  std::size_t size_;
  http::Headers none_;
};

io::Task<void> read_all(kube::WatchStream* watch, std::string* out) {
  for (;;) {
    const auto events = co_await watch->next();
    if (!events.ok()) {
      *out += events.error().to_string();
      co_return;
    }
    if (events->empty()) {
      co_return;
    }
    for (const kube::WatchEvent& event : *events) {
      *out += std::to_string(static_cast<int>(event.type)) + codec::write_json(event.object) + "\n";
    }
  }
}

std::string read_in_pieces(std::string_view text, std::size_t size) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  kube::RestWatch watch(loop, std::make_unique<Pieces>(text, size), false, Deadline::never());
  std::string out;
  loop.run_until_done(read_all(&watch, &out));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  CHECK(read_in_pieces(text, data[0] % 64 + 1) == read_in_pieces(text, text.size() + 1),
        "pieces do not matter");
  return 0;
}
