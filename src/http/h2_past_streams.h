// SPDX-License-Identifier: Apache-2.0
// What a server remembers of the client's streams that are no more, so that HEADERS for them are
// the connection errors that RFC 9113 sections 5.1 and 5.1.1 ask for: nghttp2 forgets closed
// streams and ignores what comes for them (DATA still is, since it does not show it to us). Only
// the latest are kept: HEADERS of an older one are ignored, as are those of one that was reset
// here, because they may have crossed the reset. Plain value.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace roadstead::http {

class H2PastStreams {
 public:
  enum class State : unsigned char { Unknown, Ended, Skipped };

  // HEADERS came, whether the stream was then refused or not; streams between it and the one before
  // can never be opened any more.
  void opened(std::int32_t id) {
    if (id > highest_ + 2) {
      skipped_[next_skipped_++ % kKept] = {highest_ + 1, id - 1};
    }
    highest_ = std::max(highest_, id);
  }
  // The stream is closed, and the client had said END_STREAM on it.
  void ended(std::int32_t id) {
    ended_[next_ended_++ % kKept] = id;
    highest_ended_ = std::max(highest_ended_, id);
  }

  State state(std::int32_t id) const {
    if (id > 0 && id <= highest_ended_ &&
        std::find(ended_.begin(), ended_.end(), id) != ended_.end()) {
      return State::Ended;
    }
    const auto within = [id](const Range& r) { return id >= r.first && id <= r.last; };
    const bool never = next_skipped_ != 0 && std::any_of(skipped_.begin(), skipped_.end(), within);
    return never ? State::Skipped : State::Unknown;
  }

 private:
  static constexpr std::size_t kKept = 16;
  struct Range {
    std::int32_t first = 0;
    std::int32_t last = -1;
  };
  std::array<std::int32_t, kKept> ended_{};
  std::array<Range, kKept> skipped_{};
  std::size_t next_ended_ = 0;
  std::size_t next_skipped_ = 0;
  std::int32_t highest_ = -1;
  std::int32_t highest_ended_ = 0;
};

}  // namespace roadstead::http
